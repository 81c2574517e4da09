// Taking a photo with the camera. Browsers give pages the camera only over https or on this machine; elsewhere a phone's
// own camera app takes the photo.

import { element, find } from "/web/elements.js";

const [panel, video, shoot, leave, snap] = ["camera", "video", "shoot", "leave", "snap"].map(find);
let stream = null;

// Open the camera; `taken` gets the photo, `complain` a sentence, and `closed` is to close it.
export async function open({ taken, complain, closed }) {
  if (!navigator.mediaDevices?.getUserMedia) {
    closed();
    snap.click();
    return;
  }
  try {
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    complain(error.name === "NotFoundError" ? "No camera was found." : "The camera cannot be used: allow it for this page.");
    closed();
    return;
  }
  video.srcObject = stream;
  panel.hidden = false;
  shoot.onclick = async () => {
    const blob = await frame();
    closed();
    if (blob) taken(blob);
  };
  leave.onclick = closed;
  panel.onkeydown = (event) => { if (event.key === "Escape") leave.click(); };
  shoot.focus();
}

export function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = null;
  panel.hidden = true;
}

async function frame() {
  if (!video.videoWidth) await new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}
