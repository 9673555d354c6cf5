// What is looked for. Plain words must all be found somewhere; `field:word` must be that very word,
// and of several words for one field any will do.

const FIELDS = ["node", "address", "rack", "type", "method", "state", "reason", "status"];
const ANYWHERE = FIELDS.filter((field) => field !== "status"); // "red" is meant for redfish, not for measured
const TERM = /(?:([a-z]+):)?("[^"]*"|\S+)/gi;

/** Read a query. */
export function parsed(query) {
  const fields = new Map();
  const words = [];
  for (const [whole, field, quoted] of query.toLowerCase().matchAll(TERM)) {
    const word = quoted.replaceAll('"', "");
    if (!FIELDS.includes(field)) words.push(field ? whole : word);
    else fields.set(field, (fields.get(field) ?? new Set()).add(word));
  }
  return { fields, words };
}

/** Write a query for one word of a field. */
export function term(field, word) {
  return /^[^\s"]+$/.test(word) ? `${field}:${word}` : `${field}:"${word}"`;
}

/** Tell whether a term stands in a query. */
export function holds(query, term) {
  return (query.match(TERM) ?? []).includes(term);
}

/** Put a term into a query; the same again takes it out. */
export function toggled(query, term) {
  const terms = query.match(TERM) ?? [];
  return (terms.includes(term) ? terms.filter((each) => each !== term) : [...terms, term]).join(" ");
}

/** Tell the places that a query leaves; all of them for an empty one. */
export function found(fleet, query) {
  const { fields, words } = parsed(query);
  const sought = [...fields];
  return fleet.places.filter(
    (place) =>
      sought.every(([field, wanted]) => wanted.has(fleet.word(field, place).toLowerCase())) &&
      words.every((word) => ANYWHERE.some((field) => fleet.word(field, place).toLowerCase().includes(word))),
  );
}
