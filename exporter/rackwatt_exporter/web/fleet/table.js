// The targets as a table, for reading and sorting.

import { element } from "./element.js";
import { now } from "./fleet.js";
import { duration, grouped, watts as inWatts } from "./words.js";

const PAGE = 200;
const COLUMNS = [
  { name: "Node", value: (fleet, place) => fleet.node[place] },
  { name: "Watts", value: (fleet, place) => fleet.watts[place], text: inWatts, descending: true },
  { name: "Age", value: (fleet, place) => now() - fleet.readAt[place], text: duration, descending: true },
  ...["State", "Type", "Rack", "Method", "Address", "Reason"].map((name) => ({
    name,
    value: (fleet, place) => fleet.word(name.toLowerCase(), place),
  })),
];
const URGENT = ["failing", "off", "unknown", "measured"];
const ORDER = new Intl.Collator("en", { numeric: true });

export class TableView {
  /** `open(place)` is called when a node is chosen. */
  constructor(root, open) {
    this.root = root;
    this.open = open;
    this.sorted = null; // failing first, then as the documents have them
    this.descending = false;
    this.length = PAGE;
    this.heads = COLUMNS.map((column) => this.#head(column));
    this.body = element("tbody");
    this.more = element("button", { type: "button", click: () => this.#lengthen() });
    const caption = element("caption", { class: "unseen" }, "Targets: choose a heading to sort, a node to see all about it");
    root.replaceChildren(element("table", {}, caption, element("thead", {}, element("tr", {}, ...this.heads)), this.body), this.more);
  }

  /** Show these places; a focus on a node's button stays on it. */
  show(fleet, places) {
    [this.fleet, this.places] = [fleet, places];
    const focused = this.body.contains(document.activeElement) ? document.activeElement.dataset.place : undefined;
    const ordered = [...places].sort((a, b) => this.#compare(a, b));
    this.body.replaceChildren(...ordered.slice(0, this.length).map((place) => this.#row(place)));
    this.more.hidden = ordered.length <= this.length;
    this.more.textContent = `Show more: ${grouped(ordered.length - this.length)} are left`;
    if (focused !== undefined) this.focus(focused);
  }

  /** Put the focus on a node's button, if it is on the page. */
  focus(place) {
    this.body.querySelector(`[data-place="${place}"]`)?.focus();
  }

  #head(column) {
    const button = element("button", { type: "button", click: () => this.#sort(column) }, column.name);
    return element("th", { scope: "col", class: column.text ? "number" : "" }, button);
  }

  #sort(column) {
    this.descending = this.sorted === column ? !this.descending : Boolean(column.descending);
    this.sorted = column;
    this.heads.forEach((head, at) => {
      head.ariaSort = COLUMNS[at] === column ? (this.descending ? "descending" : "ascending") : null;
    });
    this.show(this.fleet, this.places);
  }

  #lengthen() {
    this.length += PAGE;
    this.show(this.fleet, this.places);
  }

  #compare(a, b) {
    const { fleet, sorted } = this;
    if (sorted === null) return URGENT.indexOf(fleet.status(a)) - URGENT.indexOf(fleet.status(b)) || a - b;
    const [left, right] = [sorted.value(fleet, a), sorted.value(fleet, b)];
    const [noLeft, noRight] = [unknown(left), unknown(right)];
    if (noLeft || noRight) return noLeft - noRight || a - b; // what is not known comes last, either way
    const order = sorted.text ? left - right : ORDER.compare(left, right);
    return (this.descending ? -order : order) || a - b;
  }

  #row(place) {
    const { fleet } = this;
    const cells = COLUMNS.slice(1).map((column) => {
      const value = column.value(fleet, place);
      return element("td", { class: column.text ? "number" : "" }, column.text ? column.text(value) : value);
    });
    const name = element("button", { type: "button", "data-place": place, click: () => this.open(place) }, fleet.node[place]);
    return element("tr", { class: fleet.status(place) }, element("th", { scope: "row" }, name), ...cells);
  }
}

function unknown(value) {
  return Number(value === "" || Number.isNaN(value));
}
