// The page: sends a photo to /v1/detect once, then filters by score and label without asking again.

const SVG = "http://www.w3.org/2000/svg";
const TAKEN = ["image/jpeg", "image/png", "image/webp"];
const find = (id) => document.getElementById(id);

const [file, drop, view, photo, boxes, status, threshold, shown, labels, list, timing, download, model] = [
  "file", "drop", "view", "photo", "boxes", "status", "threshold", "threshold-value", "labels", "list", "timing",
  "download", "model",
].map(find);
const stage = document.querySelector(".stage");

let current = null; // { blob, result }
let running = null; // AbortController of the request under way
let hidden = new Set(); // labels switched off

const colour = (id) => `hsl(${(id * 222.49) % 360} 85% 58%)`;
const percent = (score) => `${Math.round(score * 100)} %`;

function say(text, bad = false) {
  status.textContent = text;
  status.classList.toggle("bad", bad);
}

async function look(blob) {
  if (!blob) return;
  if (!TAKEN.includes(blob.type)) {
    say(`${blob.type || "This file"} cannot be read here: JPEG, PNG and WebP can.`, true);
    return;
  }
  running?.abort();
  const request = (running = new AbortController());
  current = null;
  hidden = new Set();
  draw();
  if (photo.src) URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(blob);
  drop.hidden = true;
  view.hidden = false;
  view.classList.add("busy");
  say("Looking …");
  try {
    const least = Number(threshold.min) / 100;
    const response = await fetch(`/v1/detect?threshold=${least}&limit=100`, {
      method: "POST", body: blob, headers: { "Content-Type": blob.type }, signal: request.signal,
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail || body.title);
    current = { blob, result: body };
    draw();
  } catch (error) {
    if (error.name !== "AbortError") say(error instanceof TypeError ? "The server cannot be reached." : error.message, true);
  } finally {
    if (running === request) view.classList.remove("busy");
  }
}

function draw() {
  shown.textContent = `${threshold.value} %`;
  boxes.replaceChildren();
  list.replaceChildren();
  download.disabled = !current;
  labels.hidden = timing.hidden = !current;
  if (!current) return;
  const { image, detections } = current.result;
  boxes.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
  const likely = detections.filter((one) => one.score >= threshold.value / 100);
  drawLabels(likely);
  const visible = likely.filter((one) => !hidden.has(one.label));
  for (const one of visible) addDetection(one);
  say(visible.length === 0 ? "Nothing at this score." : `${visible.length} object${visible.length === 1 ? "" : "s"} found.`);
  photo.alt = visible.length ? `Photo with ${visible.map((one) => one.label).join(", ")}` : "Photo in which nothing was found";
  drawTiming();
}

function addDetection(one) {
  const { x_min, y_min, x_max, y_max } = one.box;
  const rect = document.createElementNS(SVG, "rect");
  const sides = { x: x_min, y: y_min, width: x_max - x_min, height: y_max - y_min };
  for (const [name, value] of Object.entries(sides)) rect.setAttribute(name, value);
  rect.setAttribute("stroke", colour(one.class_id));
  const row = document.createElement("li");
  row.tabIndex = 0;
  const light = (on) => {
    rect.classList.toggle("lit", on);
    rect.style.fill = on ? colour(one.class_id) : "";
  };
  for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => light(true));
  for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => light(false));
  const swatch = document.createElementNS(SVG, "svg");
  swatch.setAttribute("viewBox", "0 0 8 8");
  const dot = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ cx: 4, cy: 4, r: 4, fill: colour(one.class_id) })) dot.setAttribute(name, value);
  swatch.append(dot);
  const score = element("span", percent(one.score), "score");
  const meter = document.createElement("meter");
  meter.value = one.score;
  meter.ariaLabel = `score of ${one.label}`;
  row.append(swatch, element("span", one.label), score, meter);
  boxes.prepend(rect); // the best score comes first and is drawn last, on top
  list.append(row);
}

function drawLabels(detections) {
  const names = [...new Set(detections.map((one) => one.label))].sort();
  const focused = document.activeElement?.value;
  labels.replaceChildren(element("legend", "Labels"));
  labels.hidden = names.length === 0;
  for (const name of names) {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = name;
    box.checked = !hidden.has(name);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(name);
      else hidden.add(name);
      draw();
    });
    const label = document.createElement("label");
    label.append(box, name);
    labels.append(label);
    if (focused === name) box.focus();
  }
}

function drawTiming() {
  timing.replaceChildren();
  for (const [stageName, value] of Object.entries(current.result.timing_ms)) {
    timing.append(element("dt", stageName), element("dd", `${value.toFixed(1)} ms`));
  }
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function save() {
  const { blob } = current;
  const response = await fetch(`/v1/render?threshold=${threshold.value / 100}&limit=100`, {
    method: "POST", body: blob, headers: { "Content-Type": blob.type },
  });
  if (!response.ok) {
    say((await response.json()).detail, true);
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = "lookout.jpg";
  link.click();
  URL.revokeObjectURL(link.href);
}

file.addEventListener("change", () => { look(file.files[0]); file.value = ""; });
threshold.addEventListener("input", draw);
download.addEventListener("click", () => save().catch(() => say("The server cannot be reached.", true)));
document.addEventListener("paste", (event) => look([...event.clipboardData.files][0]));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    stage.classList.toggle("over", name === "dragover");
    if (name === "drop") look(event.dataTransfer.files[0]);
  });
}

fetch("/v1/model").then((response) => response.json()).then((body) => {
  model.textContent = `${body.name} ${body.version} · ${body.runtime}`;
  model.title = `${body.title}, ${Object.keys(body.labels).length} labels`;
}).catch(() => { model.textContent = ""; });
