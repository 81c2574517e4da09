// The photo as it is shown, as a JPEG: the server would also draw labels that are switched off here.

import { colour, element, percent } from "/web/elements.js";
import { place } from "/web/tags.js";

export async function save(photo, { width, height }, shown, name) {
  const canvas = element("canvas", { width, height });
  const pen = canvas.getContext("2d");
  await photo.decode();
  pen.drawImage(photo, 0, 0, width, height);
  const size = Math.max(12, Math.round(Math.min(width, height) / 28));
  const line = Math.max(2, Math.round(size / 7));
  Object.assign(pen, { font: `${size}px system-ui, sans-serif`, textBaseline: "top", lineWidth: line });
  const taken = []; // by tags; the best score chooses first, and is drawn last, on top
  const tags = shown.map((one) => {
    const width = Math.min(pen.measureText(words(one)).width + 2 * line, canvas.width);
    return place(one.box, { width, height: size + 2 * line }, { width: canvas.width, height: canvas.height }, taken);
  });
  for (const one of shown.toReversed()) box(pen, one);
  for (const [rank, one] of [...shown.entries()].toReversed()) tag(pen, one, tags[rank], line);
  const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  if (!made) throw new Error("This browser cannot save a photo of that size.");
  const link = element("a", { href: URL.createObjectURL(made), download: `${name.replace(/\.\w+$/, "")}-boxes.jpg` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const words = (one) => `${one.label} ${percent(one.score)}`;

function box(pen, { class_id, box: { x_min, y_min, x_max, y_max } }) {
  pen.strokeStyle = colour(class_id);
  pen.strokeRect(x_min, y_min, x_max - x_min, y_max - y_min);
}

function tag(pen, one, where, line) {
  pen.fillStyle = colour(one.class_id);
  pen.fillRect(where.x, where.y, where.width, where.height);
  pen.fillStyle = "black";
  pen.fillText(words(one), where.x + line, where.y + line, where.width - 2 * line);
}
