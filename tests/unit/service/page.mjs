// Runs the page's script on a document of stand-ins: `node page.mjs APP_JS` prints what it said and drew as JSON.

import { readFileSync } from "node:fs";

const drawn = [];
const said = [];
const elements = new Map();

function element() {
  const own = { listeners: {}, children: [], style: {}, files: [], classList: { toggle() {}, add() {}, remove() {} } };
  own.addEventListener = (name, heard) => { own.listeners[name] = heard; };
  own.append = (...more) => own.children.push(...more);
  own.prepend = own.append;
  own.replaceChildren = (...more) => { own.children = more; };
  own.setAttribute = own.focus = own.click = () => {};
  own.decode = async () => {};
  own.getContext = () => ({
    drawImage() {}, strokeRect() {}, fillRect() {}, measureText: () => ({ width: 10 }),
    fillText: (text) => drawn.push(text),
  });
  own.toBlob = (done) => done({});
  return own;
}

const named = (id) => elements.get(id) ?? elements.set(id, element()).get(id);
Object.defineProperty(named("status"), "textContent", { set: (text) => said.push(text) });
Object.assign(named("threshold"), { value: "50", min: "10" });
globalThis.document = {
  getElementById: named, querySelector: named, createElement: element, createElementNS: element,
  addEventListener() {}, activeElement: null,
};
globalThis.URL = { createObjectURL: () => "blob:", revokeObjectURL() {} };

const box = { x_min: 1, y_min: 1, x_max: 9, y_max: 9 };
const detections = [["cat", 0.9], ["cup", 0.8], ["dog", 0.3]].map(([label, score]) => ({ label, score, class_id: 1, box }));
const found = { image: { width: 20, height: 10 }, detections, timing_ms: {} };
const reply = (status, type, body) => ({
  ok: status === 200, status, headers: { get: () => type },
  json: async () => JSON.parse(body), blob: async () => ({}),
});
const replies = [
  reply(502, "text/html", "<html>Bad gateway</html>"),
  reply(422, "application/problem+json", JSON.stringify({ title: "Refused", detail: "Too many pixels." })),
  reply(200, "application/json", JSON.stringify(found)),
];
globalThis.fetch = async (path) =>
  path === "/v1/model" ? reply(200, "application/json", JSON.stringify({ labels: {} })) : replies.shift();
const settle = () => new Promise((done) => setTimeout(done, 10));

await import(`data:text/javascript,${encodeURIComponent(readFileSync(process.argv[2], "utf8"))}`);
for (let photo = 0; photo < 3; photo += 1) {
  named("file").files = [{ type: "image/jpeg" }];
  named("file").listeners.change();
  await settle();
}
const cup = named("labels").children.flatMap((label) => label.children).find((one) => one.value === "cup");
cup.checked = false;
cup.listeners.change();
named("download").listeners.click();
await settle();
console.log(JSON.stringify({ said, drawn }));
