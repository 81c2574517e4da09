// The boxes over the photo. Lines and letters keep their size on screen, however large the photo is.

import { colour, drawn, percent } from "/web/elements.js";

const LETTER = 14; // pixels on screen

// Draw `detections`, best score first, into `svg` over an image of `size` pixels; `scale` is image pixels by screen
// pixels. Returns the group of each detection.
export function draw(svg, size, detections, scale) {
  svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  const groups = detections.map((one) => group(one, size, scale));
  svg.replaceChildren(...groups.toReversed()); // the best score is drawn last, on top
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

function group(one, size, scale) {
  const { x_min: x, y_min: y, x_max, y_max } = one.box;
  const sides = { x, y, width: x_max - x, height: y_max - y };
  const ink = colour(one.class_id);
  const text = `${one.label} ${percent(one.score)}`;
  const tall = 1.5 * LETTER * scale;
  const wide = Math.min((text.length * 0.6 + 1) * LETTER * scale, size.width);
  const left = Math.max(0, Math.min(x, size.width - wide));
  const top = y >= tall ? y - tall : y; // above the box where there is room, else inside it
  return drawn("g", { class: "box" },
    drawn("rect", { ...sides, class: "edge" }),
    drawn("rect", { ...sides, class: "line", stroke: ink, fill: ink }),
    drawn("rect", { x: left, y: top, width: wide, height: tall, fill: ink, class: "tag" }),
    drawn("text", {
      x: left + 0.5 * LETTER * scale, y: top + tall * 0.7, "font-size": LETTER * scale,
      textLength: wide - LETTER * scale, lengthAdjust: "spacingAndGlyphs",
    }, text));
}
