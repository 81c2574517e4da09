// Shows /openapi.json without any library: each operation, its parameters, its answers with examples, how to call it.

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
    row.append(...cells.map((cell) => {
      const made = element(name);
      made.append(cell);
      return made;
    }));
    return row;
  };
  made.append(line(head, "th"), ...rows.map((cells) => line(cells, "td")));
  return made;
};

const written = (example) => (typeof example === "string" ? example : JSON.stringify(example, null, 2));

// The examples of one answer, folded: a page of thirty open bodies would be of no use.
const examples = (content) => {
  const found = Object.values(content ?? {}).flatMap(({ example, examples: several }) =>
    several ? Object.values(several).map((one) => [one.summary, one.value]) : example ? [["Example", example]] : []);
  const cell = element("div", Object.keys(content ?? {}).join(", "));
  for (const [summary, value] of found) {
    const folded = element("details");
    folded.append(element("summary", summary), element("pre", written(value)));
    cell.append(folded);
  }
  return cell;
};

const call = (path, operation) => {
  const types = operation.requestBody?.content ?? {};
  const target = `${location.origin}${path}`;
  if ("image/jpeg" in types) return `curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg '${target}'`;
  const sent = types["application/json"]?.example;
  if (sent) return `curl -H 'Content-Type: application/json' --data '${JSON.stringify(sent)}' '${target}'`;
  if ("multipart/form-data" in types) return `curl -F images=@one.jpg -F images=@two.jpg '${target}'`;
  return `curl '${target}'`;
};

const allowed = ({ minimum, maximum }) => (minimum === undefined ? "" : `${minimum} to ${maximum}`);

const show = (path, method, operation) => {
  const part = element("section", "", "operation");
  const title = element("h3");
  title.id = operation.operationId;
  title.append(element("span", method.toUpperCase(), "method"), ` ${path}`);
  part.append(title, element("p", operation.summary));
  if (operation.description) part.append(element("p", operation.description.replaceAll("`", "")));
  if (operation.parameters) {
    const rows = operation.parameters.map(({ name, description, schema }) => [
      name, description, schema.type, allowed(schema), String(schema.default ?? ""),
    ]);
    part.append(table(["parameter", "meaning", "type", "allowed", "default"], rows));
  }
  const answers = Object.entries(operation.responses).map(([status, { description, content }]) => [
    status, description, examples(content),
  ]);
  part.append(element("pre", call(path, operation)), table(["status", "meaning", "body"], answers));
  return part;
};

const described = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = described.info.description;
const operations = Object.entries(described.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [path, method, operation]));
document.getElementById("operations").replaceChildren(
  ...described.tags.flatMap(({ name }) => [
    element("h2", name),
    ...operations.filter(([, , { tags }]) => tags.includes(name)).map((one) => show(...one)),
  ]),
);
