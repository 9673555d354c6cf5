// The units of the node as a table: whose they are, what they hold, what they draw and have used.

import { element, write } from "../fleet/element.js";
import { Rows } from "../fleet/rows.js";
import { energy, grouped, memory, UNKNOWN, watts as inWatts } from "../fleet/words.js";

const COLUMNS = [
  ["Manager", ({ manager }) => manager],
  ["User", ({ user }) => user || UNKNOWN],
  ["Account", ({ account }) => account || UNKNOWN],
  ["CPUs", ({ cpus }) => (cpus === null ? UNKNOWN : grouped(cpus, Number.isInteger(cpus) ? 0 : 1)), "number"],
  ["GPUs", ({ gpus }) => (gpus === null ? UNKNOWN : grouped(gpus, Number.isInteger(gpus) ? 0 : 2)), "number"],
  ["Memory", ({ memory_bytes }) => (memory_bytes === null ? UNKNOWN : memory(memory_bytes)), "number"],
  ["Power", power, "number"],
  ["Share", ({ share }) => (share === null ? UNKNOWN : `${grouped(share * 100, 1)} %`), "number share"],
  ["Energy", ({ joules }) => (joules === null ? UNKNOWN : energy(joules)), "number"],
];

export class Units {
  constructor(table) {
    const body = element("tbody");
    const heads = COLUMNS.map(([name, , kind]) => element("th", { scope: "col", class: kind }, name));
    const caption = element("caption", { class: "unseen" }, "Jobs, virtual machines and pods of this node, those that draw most first");
    table.replaceChildren(caption, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Unit"), ...heads)), body);
    this.rows = new Rows(body, row);
  }

  /** Show these units in this order. */
  show(units) {
    this.rows.show(units.map((unit) => [`${unit.manager}/${unit.unit}`, unit]), fill);
  }
}

function row() {
  const [id, name] = [element("span", { class: "id" }), element("span", { class: "unit-name" })];
  const cells = COLUMNS.map(([, , kind]) => element("td", { class: kind }));
  return { root: element("tr", {}, element("th", { scope: "row" }, id, " ", name), ...cells), id, name, cells };
}

function fill({ root, id, name, cells }, unit) {
  write(id, unit.unit);
  write(name, unit.name);
  COLUMNS.forEach(([, text, kind], place) => {
    write(cells[place], text(unit));
    if (kind === "number share") cells[place].style.setProperty("--share", unit.share ?? 0);
  });
  root.className = unit.running === false ? "ended" : "";
}

function power({ running, watts }) {
  if (running === false) return "ended";
  return watts === null ? UNKNOWN : inWatts(watts);
}
