// The left side: what fails and why, then totals.

import { element, prose, write } from "./element.js";
import { now } from "./fleet.js";
import { Rows } from "./rows.js";
import { holds, term } from "./search.js";
import { duration, grouped, watts as inWatts } from "./words.js";

const MAX_NODES = 6;
const NO_STATE = "no state";

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
  }

  /** Take a new layout: the problems of its documents. */
  furnish(fleet) {
    const { count, first } = fleet.layout.problems;
    const section = document.getElementById("problems");
    section.hidden = count === 0;
    const more = count > first.length ? [`and ${count - first.length} more, in /status`] : [];
    section.querySelector("ul").replaceChildren(...[...first, ...more].map((problem) => element("li", {}, problem)));
  }

  /** Write everything as it is now. */
  update(fleet) {
    this.fleet = fleet;
    this.#updateFailing();
    this.#updateTallies(this.states, tallied(fleet, "state"));
    this.#updateTallies(this.types, tallied(fleet, "type"));
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
    for (const failure of failures(fleet)) {
      if (!groups.has(failure.reason)) groups.set(failure.reason, []);
      groups.get(failure.reason).push(failure);
    }
    const off = (reason) => Number(reason === fleet.offReason);
    const sorted = [...groups].sort(([a, inA], [b, inB]) => off(a) - off(b) || inB.length - inA.length);
    const failing = sorted.reduce((sum, [reason, group]) => sum + (off(reason) ? 0 : group.length), 0);
    write(document.getElementById("failing-title"), failing ? `${grouped(failing)} failing` : "Nothing fails");
    this.failing.show(sorted, (row, group) => this.#fillGroup(row, group));
  }

  #group(reason) {
    const { name, description, remedy } = this.fleet.reasons[reason];
    const count = element("span", { class: "count" });
    const nodes = new Rows(element("ul", { class: "nodes" }), (_, failure) => this.#nodeRow(failure));
    const all = element("button", { type: "button", class: "all", click: () => this.narrowTo(term("reason", name)) });
    const root = element(
      "details",
      { class: `reason ${reason === this.fleet.offReason ? "off" : "failing"}` },
      element("summary", {}, element("span", { class: "sign", "aria-hidden": "true" }), element("span", { class: "name" }, name), count),
      element("p", { class: "happened" }, ...prose(description)),
      element("p", { class: "remedy" }, ...prose(remedy)),
      nodes.root,
      all,
    );
    root.open = this.failing.rows.size === 0;
    return { root, count, nodes, all };
  }

  #fillGroup(row, group) {
    const latest = group.sort((a, b) => b.since - a.since).slice(0, MAX_NODES);
    write(row.count, grouped(group.length));
    write(row.all, group.length > 1 ? `show all ${grouped(group.length)}` : "show it");
    row.nodes.show(latest.map((failure) => [`${failure.place} ${failure.name}`, failure]), (node, { since }) => write(node.since, duration(now() - since)));
  }

  #nodeRow({ name, place }) {
    const since = element("span", { class: "since" });
    const label = place === undefined ? name : element("button", { type: "button", click: () => this.open(place) }, name);
    return { root: element("li", {}, label, since), since };
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
}

/** All that fails: targets, which have a place to be opened at, and the items of the lists. */
function failures(fleet) {
  const targets = fleet.places
    .filter((place) => fleet.reason[place] >= 0)
    .map((place) => ({ name: fleet.node[place], place, reason: fleet.reason[place], since: fleet.failingSince[place] }));
  const items = fleet.items.filter((item) => item.reason >= 0).map(({ name, reason, failingSince }) => ({ name, reason, since: failingSince }));
  return [...targets, ...items];
}
