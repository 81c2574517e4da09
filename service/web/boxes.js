// The boxes over the photo. Lines and letters keep their size on screen, however large the photo is.

import { colour, drawn, percent } from "/web/elements.js";
import { place } from "/web/tags.js";

const LETTER = 0.875; // of the page's own letters, which a reader may have made larger

// Draw `detections`, best score first, into `svg` over an image of `size` pixels; `scale` is image pixels by screen
// pixels. Returns the two groups of each detection: its box, and its tag, which lies above all boxes.
export function draw(svg, size, detections, scale) {
  svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  const letter = LETTER * parseFloat(getComputedStyle(document.documentElement).fontSize) * scale;
  const taken = []; // by tags; the best score chooses first
  const groups = detections.map((one) => [box(one), tag(one, size, letter, taken)]);
  const [edges, tags] = [0, 1].map((part) => groups.map((group) => group[part]));
  svg.replaceChildren(...edges.toReversed(), ...tags.toReversed()); // the best score is drawn last, on top
  return groups;
}

// Lay the heat map of an explanation under the boxes: the warmer a cell, the more the score falls without it. Falls of
// less than a tenth stay pale, however they compare with each other.
export function warm(svg, { region, heat }) {
  const most = Math.max(0.1, ...heat.flat());
  const [wide, tall] = [(region.x_max - region.x_min) / heat[0].length, (region.y_max - region.y_min) / heat.length];
  svg.prepend(drawn("g", { class: "heat" }, ...heat.flatMap((row, down) => row.map((fall, along) => drawn("rect", {
    x: region.x_min + along * wide, y: region.y_min + down * tall, width: wide, height: tall,
    "fill-opacity": (0.75 * Math.max(0, fall)) / most,
  })))));
}

function box({ class_id, box: { x_min: x, y_min: y, x_max, y_max } }) {
  const sides = { x, y, width: x_max - x, height: y_max - y };
  const ink = colour(class_id);
  return drawn("g", { class: "box" },
    drawn("rect", { ...sides, class: "edge" }),
    drawn("rect", { ...sides, class: "line", stroke: ink, fill: ink }));
}

// `letter` is the height of its letters in pixels of the image.
function tag(one, size, letter, taken) {
  const text = `${one.label} ${percent(one.score)}`;
  const width = Math.min((text.length * 0.6 + 1) * letter, size.width);
  const where = place(one.box, { width, height: 1.5 * letter }, size, taken);
  return drawn("g", { class: "box" },
    drawn("rect", { ...where, fill: colour(one.class_id), class: "tag" }),
    drawn("text", {
      x: where.x + 0.5 * letter, y: where.y + 1.05 * letter, "font-size": letter,
      textLength: width - letter, lengthAdjust: "spacingAndGlyphs",
    }, text));
}
