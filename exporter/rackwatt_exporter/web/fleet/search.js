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

/** Return whether a query has a term. */
export function holds(query, term) {
  return (query.match(TERM) ?? []).includes(term);
}

/** Add a term to a query, or remove it if the query has it. */
export function toggled(query, term) {
  const terms = query.match(TERM) ?? [];
  return (terms.includes(term) ? terms.filter((each) => each !== term) : [...terms, term]).join(" ");
}

/** Return a function that says whether a query leaves something, of which `word(field)` is a word. */
export function filter(query) {
  const { fields, words } = parsed(query);
  const sought = [...fields];
  return (word) =>
    sought.every(([field, wanted]) => wanted.has(word(field).toLowerCase())) &&
    words.every((each) => ANYWHERE.some((field) => word(field).toLowerCase().includes(each)));
}

/** Return the places that a query leaves; all of them for an empty one. */
export function found(fleet, query) {
  const left = filter(query);
  return fleet.places.filter((place) => left((field) => fleet.word(field, place)));
}
