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
    if (!response.ok) throw new Error(await reason(response));
    current = { blob, result: await answer(response) };
    draw();
  } catch (error) {
    if (error.name !== "AbortError") complain(error);
  } finally {
    if (running === request) view.classList.remove("busy");
  }
}

// The JSON of a response. What stands before the service, such as a proxy, may answer with a page of its own.
async function answer(response) {
  const type = response.headers.get("Content-Type") || "";
  if (!/^application\/(.+\+)?json\b/.test(type)) throw new Error(`The server answered with status ${response.status} and no JSON.`);
  return response.json();
}

async function reason(response) {
  const problem = await answer(response);
  return problem.detail || problem.title;
}

function complain(error) {
  say(error instanceof TypeError ? "The server cannot be reached." : error.message, true);
}

function draw() {
  shown.textContent = `${threshold.value} %`;
  boxes.replaceChildren();
  list.replaceChildren();
  download.disabled = !current;
  labels.hidden = timing.hidden = !current;
  if (!current) return;
  const { image } = current.result;
  boxes.setAttribute("viewBox", `0 0 ${image.width} ${image.height}`);
  drawLabels(likely());
  const seen = visible();
  for (const one of seen) addDetection(one);
  say(seen.length === 0 ? "Nothing at this score." : `${seen.length} object${seen.length === 1 ? "" : "s"} found.`);
  photo.alt = seen.length ? `Photo with ${seen.map((one) => one.label).join(", ")}` : "Photo in which nothing was found";
  drawTiming();
}

const likely = () => current.result.detections.filter((one) => one.score >= threshold.value / 100);
const visible = () => likely().filter((one) => !hidden.has(one.label));

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

// The photo as it is shown: the server would draw labels that are switched off here.
async function save() {
  const { image: { width, height } } = current.result;
  const seen = visible().reverse(); // the best score is drawn last, on top
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  await photo.decode();
  pen.drawImage(photo, 0, 0, width, height);
  const size = Math.max(12, Math.round(Math.min(width, height) / 28));
  const line = Math.max(2, Math.round(size / 7));
  pen.font = `${size}px system-ui, sans-serif`;
  pen.textBaseline = "top";
  pen.lineWidth = line;
  for (const one of seen) {
    const { x_min, y_min, x_max, y_max } = one.box;
    pen.strokeStyle = pen.fillStyle = colour(one.class_id);
    pen.strokeRect(x_min, y_min, x_max - x_min, y_max - y_min);
    const text = `${one.label} ${percent(one.score)}`;
    const tall = size + 2 * line;
    const top = y_min >= tall ? y_min - tall : y_min;
    pen.fillRect(x_min, top, pen.measureText(text).width + 2 * line, tall);
    pen.fillStyle = "black";
    pen.fillText(text, x_min + line, top + line);
  }
  const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  if (!made) throw new Error("This browser cannot save a photo of that size.");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(made);
  link.download = "lookout.jpg";
  link.click();
  URL.revokeObjectURL(link.href);
}

file.addEventListener("change", () => { look(file.files[0]); file.value = ""; });
threshold.addEventListener("input", draw);
download.addEventListener("click", () => save().catch(complain));
document.addEventListener("paste", (event) => look([...event.clipboardData.files][0]));
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    stage.classList.toggle("over", name === "dragover");
    if (name === "drop") look(event.dataTransfer.files[0]);
  });
}

fetch("/v1/model").then(answer).then((body) => {
  model.textContent = `${body.name} ${body.version} · ${body.runtime}`;
  model.title = `${body.title}, ${Object.keys(body.labels).length} labels`;
}).catch(() => { model.textContent = ""; });
