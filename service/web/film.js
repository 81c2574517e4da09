// The strip of photos: one button each, arrow keys go along it.

import { counted, element, find } from "/web/elements.js";

const film = find("film");

export function showFilm(photos, current, choose) {
  const focused = film.contains(document.activeElement);
  film.hidden = photos.length < 2;
  film.replaceChildren(...photos.map((photo) => {
    const thumbnail = element("img", { src: photo.url, alt: "" });
    thumbnail.addEventListener("error", () => thumbnail.remove());
    const button = element("button", { type: "button", className: `frame-button ${photo.state}`, title: photo.name },
      thumbnail, element("span", { text: badge(photo), className: "badge" }));
    button.setAttribute("aria-label", `${photo.name}, ${told(photo)}`);
    if (photo === current) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose(photo));
    return element("li", {}, button);
  }));
  if (focused) film.querySelector("[aria-current]")?.focus();
}

film.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...film.querySelectorAll("button")];
  buttons[buttons.indexOf(document.activeElement) + step]?.click();
});

const badge = ({ state, result }) => ({ done: result?.detections.filter((one) => one.score >= 0.5).length, failed: "!" })[state] ?? "…";

function told({ state, result }) {
  if (state === "done") return counted(result.detections.filter((one) => one.score >= 0.5).length, "object");
  return state === "failed" ? "could not be looked at" : "waiting";
}
