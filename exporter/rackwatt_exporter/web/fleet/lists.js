// What is measured beside the targets: a list for each kind, with the title that the exporter gives it.

import { element, write } from "./element.js";
import { now } from "./fleet.js";
import { Rows } from "./rows.js";
import { filter } from "./search.js";
import { duration, grouped } from "./words.js";

export class Lists {
  constructor(root) {
    this.lists = new Rows(root, section);
  }

  /** Show every list that has an item, and of its items those that a query leaves. */
  update(fleet, query) {
    const left = filter(query);
    this.lists.show(fleet.lists.filter(({ items }) => items.length).map((list) => [list.title, list]), (list, { items }) => {
      const shown = items.filter((item) => left((field) => item.word(field)));
      write(list.count, shown.length < items.length ? `${grouped(shown.length)} of ${grouped(items.length)}` : grouped(items.length));
      list.rows.show(shown.map((item) => [item.name, item]), fill);
    });
  }
}

function section(title) {
  const id = `list-${title.toLowerCase()}`;
  const count = element("span", { class: "count" });
  const rows = new Rows(element("ul"), row);
  const heading = element("h2", { id }, title, " ", count);
  return { root: element("section", { class: "list", "aria-labelledby": id }, heading, rows.root), count, rows };
}

function row(name) {
  const [value, since, message] = [element("span", { class: "value" }), element("span", { class: "since" }), element("p", { class: "message" })];
  const root = element("li", {}, element("p", {}, element("span", { class: "name" }, name), " ", value, " ", since), message);
  return { root, value, since, message };
}

function fill({ root, value, since, message }, item) {
  write(value, item.found ?? "no value");
  write(since, Number.isNaN(item.readAt) ? "never read" : `${duration(now() - item.readAt)} ago`);
  write(message, item.reason < 0 ? "" : `${item.reasonName}: ${item.message}`);
  root.className = item.status;
}
