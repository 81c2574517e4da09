// Small makers of elements, and the looks that list, boxes and saved photo share.

const SVG = "http://www.w3.org/2000/svg";

export const find = (id) => document.getElementById(id);

export function element(name, { text, ...given } = {}, ...children) {
  const made = Object.assign(document.createElement(name), given);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

export function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Hues by the golden angle, as the server draws them; light enough for black text.
export const colour = (id) => `hsl(${(id * 222.49) % 360} 85% 62%)`;
export const percent = (score) => `${Math.round(score * 100)} %`;
export const counted = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
