// The panel beside the photo: labels to switch, the list of objects, where the time went.

import { colour, counted, drawn, element, find, percent } from "/web/elements.js";

const [labels, found, list, timing, total, bar, stages] = [
  "labels", "found", "list", "timing", "total", "bar", "stages",
].map(find);
const STAGES = ["intake", "queue", "decode", "preprocess", "inference", "postprocess"]; // the rest of the round trip is transfer

export function showLabels(detections, hidden, changed) {
  const names = [...new Set(detections.map((one) => one.label))].sort();
  const focused = labels.contains(document.activeElement) ? document.activeElement.value : null;
  labels.hidden = names.length < 2;
  labels.replaceChildren(element("legend", { text: "Labels" }), ...names.map((name) => {
    const box = element("input", { type: "checkbox", value: name, checked: !hidden.has(name) });
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(name);
      else hidden.add(name);
      changed();
    });
    return element("label", {}, box, name);
  }));
  labels.querySelector(`[value="${CSS.escape(focused ?? "")}"]`)?.focus();
}

// One button an object; `lit` hears which one is pointed at or focused, `chosen` which one is pressed.
export function showList(detections, pinned, { lit, chosen }) {
  const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
  found.hidden = detections.length === 0;
  list.replaceChildren(...detections.map((one) => {
    const dot = drawn("svg", { viewBox: "0 0 8 8", "aria-hidden": "true" },
      drawn("circle", { cx: 4, cy: 4, r: 4, fill: colour(one.class_id) }));
    const row = element("button", { type: "button", className: "row" }, dot,
      element("span", { text: one.label }), element("span", { text: percent(one.score), className: "score" }),
      meter(one));
    row.setAttribute("aria-pressed", String(one === pinned));
    for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => lit(one, true));
    for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => lit(one, false));
    row.addEventListener("click", () => chosen(one));
    return element("li", {}, row);
  }));
  list.querySelectorAll("button")[focused]?.focus();
}

export function markRow(place, on) {
  const row = list.querySelectorAll("button")[place];
  row?.classList.toggle("lit", on);
  if (on) row?.scrollIntoView({ block: "nearest" });
}

export function showTiming(photo) {
  timing.hidden = !photo?.result;
  if (timing.hidden) return;
  const spent = photo.result.timing_ms;
  const transfer = Math.max(0, photo.roundTrip - spent.intake - spent.total); // the total begins after the intake
  const parts = [...STAGES.map((name) => [name, spent[name]]), ["transfer", transfer]];
  total.textContent = `${photo.roundTrip.toFixed(0)} ms`;
  bar.replaceChildren(...parts.map(([name, value]) => {
    const part = element("span", { className: `part ${name}`, title: `${name} ${value.toFixed(1)} ms` });
    part.style.flexGrow = value;
    return part;
  }));
  stages.replaceChildren(...parts.map(([name, value]) => element("div", {},
    element("dt", {}, element("i", { className: `part ${name}` }), name),
    element("dd", { text: `${value.toFixed(1)} ms` }))));
}

export function sentence(shown) {
  if (!shown.length) return "Nothing at this score.";
  const kinds = new Map();
  for (const { label } of shown) kinds.set(label, (kinds.get(label) ?? 0) + 1);
  const words = [...kinds].map(([name, number]) => (number > 1 ? `${number} × ${name}` : name));
  return `${counted(shown.length, "object")}: ${words.join(", ")}.`;
}

// For the eye only: the score is there as text.
function meter(one) {
  const level = element("i");
  Object.assign(level.style, { width: `${one.score * 100}%`, background: colour(one.class_id) });
  return element("span", { className: "meter", ariaHidden: "true" }, level);
}
