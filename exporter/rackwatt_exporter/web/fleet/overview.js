// The left side: what fails and why, then totals. Rows are kept and rewritten, never made anew, so
// that the focus and what is unfolded stay while the numbers run.

import { element, prose, write } from "./element.js";
import { holds, term } from "./search.js";
import { duration, grouped, watts as inWatts } from "./words.js";
import { now } from "./fleet.js";

const MOST_NODES = 6;
const NO_STATE = "no state";

/** Rows by key inside an element: made when first needed, in the order asked for. */
class Rows {
  constructor(root, make) {
    this.root = root;
    this.make = make;
    this.rows = new Map();
  }

  /** Show these keys in this order, and no other; `fill(row, value)` writes each. */
  show(entries, fill) {
    const keys = new Set(entries.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.root.remove();
      this.rows.delete(key);
    }
    entries.forEach(([key, value], place) => {
      if (!this.rows.has(key)) this.rows.set(key, this.make(key));
      const row = this.rows.get(key);
      if (this.root.children[place] !== row.root) this.root.insertBefore(row.root, this.root.children[place] ?? null);
      fill(row, value);
    });
  }
}

/** Watts and counts of targets that have something in common. */
class Tally {
  constructor() {
    this.count = this.measured = this.sum = 0;
  }

  add(watts) {
    this.count += 1;
    if (Number.isNaN(watts)) return;
    this.measured += 1;
    this.sum += watts;
  }

  /** The sum, which is not known as long as nothing was measured. */
  get watts() {
    return this.measured ? this.sum : NaN;
  }
}

/** Add up all targets, and those of each word of a field. */
function tallied(fleet, field) {
  const tallies = new Map();
  for (let place = 0; place < fleet.count; place += 1) {
    const word = fleet.word(field, place);
    if (!tallies.has(word)) tallies.set(word, new Tally());
    tallies.get(word).add(fleet.watts[place]);
  }
  return [...tallies].sort(([, a], [, b]) => b.sum - a.sum || b.count - a.count);
}

export class Overview {
  /** `narrowTo(term)` and `open(place)` are called when something is chosen. */
  constructor(narrowTo, open) {
    this.narrowTo = narrowTo;
    this.open = open;
    const at = (id) => document.getElementById(id);
    this.states = new Rows(at("states"), (word) => this.#tallyRow("state", word));
    this.types = new Rows(at("types"), (word) => this.#tallyRow("type", word));
    this.failing = new Rows(at("failing"), (reason) => this.#group(reason));
    this.schedulers = new Rows(at("schedulers").querySelector("ul"), () => {
      const root = element("li");
      return { root };
    });
  }

  /** Take a new layout: the problems of its documents. */
  furnish(fleet) {
    const { count, first } = fleet.layout.problems;
    const section = document.getElementById("problems");
    section.hidden = count === 0;
    const more = count > first.length ? [`and ${count - first.length} more, told by /status`] : [];
    section.querySelector("ul").replaceChildren(...[...first, ...more].map((problem) => element("li", {}, problem)));
  }

  /** Write everything as it is now. */
  update(fleet) {
    this.fleet = fleet;
    this.#updateFailing();
    this.#updateTallies(this.states, tallied(fleet, "state"));
    this.#updateTallies(this.types, tallied(fleet, "type"));
    this.#updateSchedulers();
  }

  /** Mark the totals by which the picture is narrowed. */
  mark(query) {
    for (const row of [...this.states.rows.values(), ...this.types.rows.values()]) {
      const pressed = String(holds(query, row.term));
      if (row.root.ariaPressed !== pressed) row.root.ariaPressed = pressed;
    }
  }

  #updateFailing() {
    const { fleet } = this;
    const groups = new Map();
    for (let place = 0; place < fleet.count; place += 1) {
      if (fleet.reason[place] < 0) continue;
      if (!groups.has(fleet.reason[place])) groups.set(fleet.reason[place], []);
      groups.get(fleet.reason[place]).push(place);
    }
    const off = (reason) => Number(reason === fleet.offReason);
    const sorted = [...groups].sort(([a, inA], [b, inB]) => off(a) - off(b) || inB.length - inA.length);
    const failing = sorted.reduce((sum, [reason, places]) => sum + (off(reason) ? 0 : places.length), 0);
    write(document.getElementById("failing-title"), failing ? `${grouped(failing)} failing` : "Nothing fails");
    this.failing.show(sorted, (row, places) => this.#fillGroup(row, places));
  }

  #group(reason) {
    const { name, happened, remedy } = this.fleet.reasons[reason];
    const count = element("span", { class: "count" });
    const nodes = new Rows(element("ul", { class: "nodes" }), (place) => this.#nodeRow(place));
    const all = element("button", { type: "button", class: "all", click: () => this.narrowTo(term("reason", name)) });
    const root = element(
      "details",
      { class: `reason ${reason === this.fleet.offReason ? "off" : "failing"}` },
      element("summary", {}, element("span", { class: "sign", "aria-hidden": "true" }), element("span", { class: "name" }, name), count),
      element("p", { class: "happened" }, ...prose(happened)),
      element("p", { class: "remedy" }, ...prose(remedy)),
      nodes.root,
      all,
    );
    root.open = this.failing.rows.size === 0;
    return { root, count, nodes, all };
  }

  #fillGroup(row, places) {
    const { fleet } = this;
    const latest = places.sort((a, b) => fleet.failingSince[b] - fleet.failingSince[a]).slice(0, MOST_NODES);
    write(row.count, grouped(places.length));
    write(row.all, places.length > 1 ? `show all ${grouped(places.length)}` : "show it");
    row.nodes.show(latest.map((place) => [place, place]), (node, place) => {
      write(node.since, duration(now() - fleet.failingSince[place]));
    });
  }

  #nodeRow(place) {
    const since = element("span", { class: "since" });
    const root = element("li", {}, element("button", { type: "button", click: () => this.open(place) }, this.fleet.node[place]), since);
    return { root, since };
  }

  #tallyRow(field, word) {
    const [count, watts, bar] = [element("span", { class: "count" }), element("span", { class: "watts" }), element("span", { class: "share" })];
    const name = element("span", { class: "name" }, word || (field === "state" ? NO_STATE : "no type"));
    const root = element("button", { type: "button", class: "tally", click: () => this.narrowTo(term(field, word)) }, name, count, watts, bar);
    return { root, count, watts, bar, term: term(field, word) };
  }

  #updateTallies(rows, tallies) {
    const total = tallies.reduce((sum, [, tally]) => sum + tally.sum, 0);
    rows.show(tallies, (row, tally) => {
      write(row.count, tally.measured === tally.count ? grouped(tally.count) : `${grouped(tally.measured)} of ${grouped(tally.count)}`);
      write(row.watts, inWatts(tally.watts));
      row.bar.style.setProperty("--share", total ? (tally.sum / total).toFixed(3) : 0);
    });
  }

  #updateSchedulers() {
    const { schedulers } = this.fleet;
    document.getElementById("schedulers").hidden = schedulers.length === 0;
    this.schedulers.show(schedulers.map((scheduler) => [scheduler.name, scheduler]), (row, { name, age_s, reason, message }) => {
      const heard = age_s === null ? "not heard yet" : `heard ${duration(age_s)} ago`;
      write(row.root, reason ? `${name}: ${reason}. ${message}. Last ${heard}.` : `${name}: ${heard}`);
      row.root.className = reason ? "failing" : "";
    });
  }
}
