// The photo as it is shown, as a JPEG: the server would also draw labels that are switched off here.

import { colour, element, percent } from "/web/elements.js";

export async function save(photo, { width, height }, shown, name) {
  const canvas = element("canvas", { width, height });
  const pen = canvas.getContext("2d");
  await photo.decode();
  pen.drawImage(photo, 0, 0, width, height);
  const size = Math.max(12, Math.round(Math.min(width, height) / 28));
  const line = Math.max(2, Math.round(size / 7));
  Object.assign(pen, { font: `${size}px system-ui, sans-serif`, textBaseline: "top", lineWidth: line });
  for (const one of shown.toReversed()) label(pen, one, size, line); // the best score last, on top
  const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  if (!made) throw new Error("This browser cannot save a photo of that size.");
  const link = element("a", { href: URL.createObjectURL(made), download: `${name.replace(/\.\w+$/, "")}-boxes.jpg` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function label(pen, one, size, line) {
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
