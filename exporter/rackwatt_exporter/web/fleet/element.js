// Elements made in one line. Text only ever becomes text: names and messages come from documents
// and from the network, and nothing here reads them as HTML.

/** Make an element: attributes by name, listeners where the value is a function, then children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Cut prose at its backquotes: what stands between them becomes code. */
export function prose(text) {
  return text.split("`").map((part, place) => (place % 2 ? element("code", {}, part) : part));
}

/** Write text where it differs: a node that is not touched costs no layout. */
export function write(into, text) {
  if (into.textContent !== text) into.textContent = text;
}

/** Let a long path break where a person would break it: after a slash, before a mark. */
export function breakable(text) {
  return text.split(/(?<=\/)|(?=[#+])/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
}
