// The health of whatever reads this node: up, absent here, or failing with its reason and what to do.

import { element, prose, write } from "../fleet/element.js";
import { Rows } from "../fleet/rows.js";
import { duration } from "../fleet/words.js";

/** Say whether one of them fails; one that `auto` found absent does not. */
export function failing({ up, reason }) {
  return up === false && reason !== null;
}

export class Health {
  constructor(root) {
    this.rows = new Rows(root, row);
  }

  /** Show all of them, as /status has them. */
  show(items) {
    this.rows.show(items.map((item) => [item.collector ?? item.manager ?? item.node, item]), fill);
  }
}

function row(name) {
  const [value, since, trouble] = [element("span", { class: "value" }), element("span", { class: "since" }), element("div", { class: "what" })];
  const root = element("li", {}, element("p", {}, element("span", { class: "name" }, name), " ", value, " ", since), trouble);
  return { root, value, since, trouble, shown: "" };
}

function fill(into, item) {
  write(into.value, word(item));
  write(into.since, item.age_s === null ? "never read" : `${duration(item.age_s)} ago`);
  into.root.className = failing(item) ? "failing" : item.up ? "measured" : "unknown";
  const text = JSON.stringify([item.reason, item.message, item.remedy]);
  if (into.shown === text) return;
  into.shown = text;
  into.trouble.replaceChildren(...(item.reason === null ? [] : trouble(item)));
}

function word(item) {
  if (item.up === null) return "absent here";
  if (failing(item)) return item.found ?? "failing";
  return item.found ?? (item.up ? "read" : "not read yet");
}

function trouble({ reason, message, remedy, failing_for_s: since }) {
  const head = element("p", { class: "message" }, element("b", {}, reason), `: ${message}`);
  const advice = remedy === null ? [] : [element("p", { class: "remedy" }, element("b", {}, "What to do "), ...prose(remedy))];
  return [head, ...advice, ...(since === null ? [] : [element("p", { class: "since" }, `For ${duration(since)} and more.`)])];
}
