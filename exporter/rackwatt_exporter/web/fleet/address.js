// What is looked at, kept behind the # of the page's address, so that it can be sent to a colleague.

const kept = new URLSearchParams(location.hash.slice(1));

export const query = () => kept.get("q") ?? "";
export const node = () => kept.get("node") ?? undefined;
export const view = () => kept.get("view") ?? "tiles";

export const colour = () => kept.get("colour") ?? "power";

/** Keep these; what is empty is left away. */
export function write(values) {
  for (const [key, value] of Object.entries(values)) {
    if (value) kept.set(key, value);
    else kept.delete(key);
  }
  history.replaceState(null, "", kept.size ? `#${kept}` : location.pathname);
}
