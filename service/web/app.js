// The page: each photo is sent once, with a low threshold; score and labels are then filtered without asking again.

import * as api from "/web/api.js";
import { draw, warm } from "/web/boxes.js";
import * as camera from "/web/camera.js";
import { counted, find } from "/web/elements.js";
import { showFilm } from "/web/film.js";
import { markRow, sentence, showLabels, showList, showTiming } from "/web/panel.js";
import { save } from "/web/save.js";

const MOST = 50; // photos kept; the oldest go first

const [file, snap, drop, view, photo, boxes, name, status, access, token, threshold, shownThreshold, download, more, model, why] = [
  "file", "snap", "drop", "view", "photo", "boxes", "name", "status", "access", "token", "threshold", "threshold-value",
  "download", "more", "model", "why",
].map(find);
const stage = document.querySelector(".stage");

let photos = []; // { name, blob, url, state: waiting | looking | done | failed, result, roundTrip, message }
let current = null;
let pinned = null; // the one detection to show alone
let explained = null; // why the pinned one was found
let cameraOpen = false;
let working = false;
const hidden = new Set(); // labels switched off

const likely = () => (current?.result?.detections ?? []).filter((one) => one.score >= threshold.value / 100);
const visible = () => likely().filter((one) => !hidden.has(one.label));

function add(blobs) {
  const fresh = blobs.map((blob) => ({
    blob, name: blob.name || "photo.jpg", url: URL.createObjectURL(blob), state: "waiting",
  }));
  if (!fresh.length) return;
  if (cameraOpen) leaveCamera();
  photos = [...photos, ...fresh];
  for (const old of photos.slice(0, -MOST)) URL.revokeObjectURL(old.url);
  photos = photos.slice(-MOST);
  choose(photos.find((one) => fresh.includes(one)));
  work();
}

// One photo after the other: the page is one client among many.
async function work() {
  if (working) return;
  working = true;
  for (let next; (next = photos.find((one) => one.state === "waiting"));) await look(next);
  working = false;
}

async function look(one) {
  Object.assign(one, { state: "looking", message: "Looking …" });
  if (one === current) show();
  try {
    const answer = await api.detect(one.blob, Number(threshold.min) / 100, (seconds) => {
      one.message = `The server is busy; asking again in ${seconds} s …`;
      if (one === current) show();
    });
    Object.assign(one, answer, { state: "done" });
  } catch (refusal) {
    Object.assign(one, { state: "failed", message: refusal.message, status: refusal.status });
    if (refusal.status === 401) askForToken();
  }
  show();
}

function askForToken() {
  for (const one of photos.filter(({ state }) => state === "waiting")) Object.assign(one, { state: "failed", status: 401 });
  access.hidden = false;
  token.focus();
}

function choose(one) {
  current = one;
  pinned = explained = null;
  photo.src = one.url;
  show();
}

function show() {
  drop.hidden = cameraOpen || Boolean(current);
  view.hidden = cameraOpen || !current;
  more.hidden = !current;
  download.disabled = current?.state !== "done";
  view.classList.toggle("busy", current?.state === "looking" || current?.state === "waiting");
  name.textContent = current?.name ?? "";
  showFilm(photos, current, choose);
  showTiming(current);
  filter();
}

// What depends on the least score and on the labels that are switched on.
function filter() {
  shownThreshold.textContent = `${threshold.value} %`;
  threshold.setAttribute("aria-valuetext", shownThreshold.textContent);
  showLabels(likely(), hidden, filter);
  showObjects();
  say();
}

function showObjects() {
  const seen = visible();
  if (!seen.includes(pinned)) pinned = explained = null;
  const kept = pinned ? [pinned] : seen;
  const size = current?.result?.image ?? { width: 1, height: 1 };
  const groups = draw(boxes, size, kept, size.width / (photo.clientWidth || size.width));
  boxes.classList.remove("some");
  const light = (one, on) => {
    const parts = groups[kept.indexOf(one)] ?? [];
    for (const part of parts) part.classList.toggle("lit", on);
    boxes.classList.toggle("some", on && parts.length > 0);
  };
  const pin = (one) => {
    pinned = pinned === one ? null : one;
    explained = null;
    showObjects();
    say();
  };
  showList(seen, pinned, { lit: light, chosen: pin });
  groups.forEach((group, place) => {
    const row = seen.indexOf(kept[place]);
    for (const part of group) {
      for (const [event, on] of [["mouseenter", true], ["mouseleave", false]]) {
        part.addEventListener(event, () => { light(kept[place], on); markRow(row, on); });
      }
      part.addEventListener("click", () => pin(kept[place]));
    }
  });
  if (explained) warm(boxes, explained);
  why.hidden = !pinned;
  why.textContent = pinned ? `Why ${pinned.label}?` : "";
  why.setAttribute("aria-pressed", String(Boolean(explained)));
  photo.alt = seen.length ? `Photo with ${seen.map((one) => one.label).join(", ")}` : "Photo";
}

// Which parts of the photo speak for the pinned object; asked a second time, it is put away.
async function explain() {
  const [one, asked] = [pinned, current];
  if (explained) explained = null;
  else {
    why.disabled = true;
    say("Hiding one part of the photo after the other …", false);
    try {
      const answer = await api.explain(asked.blob, asked.result.detections.indexOf(one));
      if (one === pinned) explained = answer;
    } catch (refusal) {
      if (refusal.status === 401) askForToken();
      if (one === pinned) say(refusal.message, true);
      return;
    } finally {
      why.disabled = false;
      if (document.activeElement === document.body) why.focus(); // a button that is switched off loses the focus
    }
  }
  showObjects();
  say();
}

function say(text = told(), bad = current?.state === "failed") {
  if (status.textContent !== text) status.textContent = text; // said again only when it is news
  status.classList.toggle("bad", bad);
}

function told() {
  if (!current) return "No photo yet.";
  if (explained) {
    const most = Math.round(100 * Math.max(0, ...explained.heat.flat()));
    return `Warm parts speak for ${explained.detection.label}: without the warmest its score falls by ${counted(most, "point")}.`;
  }
  return current.state === "done" ? sentence(visible()) : current.message ?? "Waiting …";
}

function leaveCamera() {
  camera.close();
  cameraOpen = false;
}

function openCamera(opener) {
  cameraOpen = true;
  show();
  camera.open({
    taken: (blob) => add([new File([blob], "camera.jpg", { type: blob.type })]),
    complain: (text) => setTimeout(() => say(text, true)),
    closed: () => { leaveCamera(); show(); opener.focus(); },
  });
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => (button.dataset.do === "pick" ? file.click() : openCamera(button)));
}
for (const input of [file, snap]) {
  input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
}
access.addEventListener("submit", (event) => {
  event.preventDefault();
  api.useToken(token.value.trim());
  token.value = "";
  access.hidden = true;
  for (const one of photos.filter((each) => each.status === 401)) Object.assign(one, { state: "waiting", status: 0 });
  work();
});
threshold.addEventListener("input", filter);
why.addEventListener("click", explain);
photo.addEventListener("error", () => photo.parentElement.classList.add("unreadable"));
photo.addEventListener("load", () => {
  photo.parentElement.classList.remove("unreadable");
  photo.parentElement.style.setProperty("--ratio", photo.naturalWidth / photo.naturalHeight);
  showObjects();
});
new ResizeObserver(showObjects).observe(photo);
download.addEventListener("click", () => {
  save(photo, current.result.image, visible(), current.name).catch((error) => say(error.message, true));
});
document.addEventListener("paste", (event) => add([...event.clipboardData.files]));
for (const event of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(event, (happened) => {
    happened.preventDefault();
    stage.classList.toggle("over", event === "dragover");
    if (event === "drop") add([...happened.dataTransfer.files]);
  });
}

api.model().then((body) => {
  model.textContent = `${body.name} ${body.version} · ${body.runtime}`;
  model.title = `${body.title}, ${Object.keys(body.labels).length} labels`;
}).catch(() => {});
