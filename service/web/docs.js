// Shows /openapi.json without any library: operations, their parameters, answers and how to call them.

const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
};

const table = (head, rows) => {
  const made = element("table");
  const line = (cells, name) => {
    const row = element("tr");
    row.append(...cells.map((cell) => element(name, String(cell))));
    return row;
  };
  made.append(line(head, "th"), ...rows.map((cells) => line(cells, "td")));
  return made;
};

const example = (method, path, operation) => {
  const types = Object.keys(operation.requestBody?.content ?? {});
  const target = `${location.origin}${path}`;
  if (types.includes("image/jpeg")) return `curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg '${target}'`;
  if (types.length) return `curl -F images=@one.jpg -F images=@two.jpg '${target}'`;
  return `curl '${target}'`;
};

const show = (path, method, operation) => {
  const part = element("section", "", "operation");
  const title = element("h2");
  title.append(element("span", method.toUpperCase(), "method"), ` ${path}`);
  part.append(title, element("p", operation.summary));
  if (operation.parameters) {
    const rows = operation.parameters.map(({ name, schema }) => [
      name, schema.type, `${schema.minimum} to ${schema.maximum}`, schema.default,
    ]);
    part.append(table(["parameter", "type", "allowed", "default"], rows));
  }
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) => [
    status, description, Object.keys(content ?? {}).join(", "),
  ]);
  part.append(table(["status", "meaning", "body"], answers), element("pre", example(method, path, operation)));
  return part;
};

const described = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = described.info.description;
document.getElementById("operations").replaceChildren(
  ...Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => show(path, method, operation))),
);
