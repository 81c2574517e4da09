// Taking a photo with the camera. Browsers give pages the camera only over https or on this machine; elsewhere a phone's
// own camera app takes the photo.

import { element, find } from "/web/elements.js";

const [panel, video, shoot, leave, snap] = ["camera", "video", "shoot", "leave", "snap"].map(find);
let stream = null;
let turn = 0; // a camera may be given when nobody waits for it any more

// Open the camera; `taken` gets the photo, `complain` a sentence, and `closed` is to close it.
export async function open({ taken, complain, closed }) {
  if (!navigator.mediaDevices?.getUserMedia) {
    closed();
    snap.click();
    return;
  }
  close();
  const mine = turn;
  let given;
  try {
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
    given = await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    if (mine !== turn) return;
    complain(error.name === "NotFoundError" ? "No camera was found." : "The camera cannot be used: allow it for this page.");
    closed();
    return;
  }
  if (mine !== turn) {
    stop(given);
    return;
  }
  stream = video.srcObject = given;
  panel.hidden = false;
  shoot.onclick = async () => {
    const blob = await frame();
    if (mine !== turn) return;
    closed();
    if (blob) taken(blob);
  };
  leave.onclick = closed;
  panel.onkeydown = (event) => { if (event.key === "Escape") leave.click(); };
  shoot.focus();
}

const stop = (one) => one?.getTracks().forEach((track) => track.stop());

export function close() {
  turn += 1;
  stop(stream);
  stream = video.srcObject = null;
  panel.hidden = true;
}

async function frame() {
  if (!video.videoWidth) await new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}
