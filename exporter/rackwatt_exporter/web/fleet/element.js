// Builders of elements. Text is always inserted as text: names and messages come from documents and
// from the network, and nothing here parses them as HTML.

/** Build an element: attributes by name, listeners where the value is a function, then children. */
export function element(name, attributes = {}, ...children) {
  const built = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") built.addEventListener(key, value);
    else if (value !== undefined && value !== false) built.setAttribute(key, value === true ? "" : value);
  }
  built.append(...children);
  return built;
}

/** Split prose at its backquotes: text between them becomes code. */
export function prose(text) {
  return text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
}

/** Write text only where it differs: an unchanged node needs no layout. */
export function write(into, text) {
  if (into.textContent !== text) into.textContent = text;
}

/** Allow line breaks in a long path: after a slash, before # or +. */
export function breakable(text) {
  return text.split(/(?<=\/)|(?=[#+])/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
}
