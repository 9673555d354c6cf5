// What is known of every target, in columns, and of all else that is measured, in lists: the page's
// picture of the exporter's store.

const OFF = "powered_off";

/** Now, in seconds of this page. */
export function now() {
  return performance.now() / 1000;
}

/** One thing that is no target: a scheduler, a collector … Times and unknowns are as of targets. */
class Item {
  constructor(row, reasons) {
    const at = now();
    this.name = `${row.node} (${row.method})`;
    this.node = row.node;
    this.method = row.method;
    this.found = row.found;
    this.readAt = at - (row.age_s ?? NaN);
    this.reason = row.reason ?? -1;
    this.reasonName = reasons[this.reason]?.name ?? "";
    this.message = row.message;
    this.failingSince = at - (row.failing_s ?? NaN);
  }

  get status() {
    if (this.reason >= 0) return "failing";
    return this.found === null ? "unknown" : "measured";
  }

  /** The word in a field that can be searched; empty where there is none. */
  word(field) {
    return { node: this.node, method: this.method, status: this.status, reason: this.reasonName }[field] ?? "";
  }
}

/** Targets by place. Times are `now()`; what is not known is NaN, or a number of -1 for no word. */
export class Fleet {
  constructor(layout) {
    this.layout = layout;
    this.count = layout.node.length;
    this.places = Array.from(layout.node.keys());
    this.node = layout.node;
    this.address = layout.address;
    this.rack = layout.rack;
    this.type = layout.type;
    this.method = layout.method;
    this.reasons = layout.reasons.map(([name, description, remedy]) => ({ name, description, remedy }));
    this.states = [];
    this.lists = [];
    this.watts = new Float64Array(this.count).fill(NaN);
    this.readAt = new Float64Array(this.count).fill(NaN);
    this.failingSince = new Float64Array(this.count).fill(NaN);
    this.state = new Int16Array(this.count).fill(-1);
    this.reason = new Int16Array(this.count).fill(-1);
    this.placeOf = new Map(this.node.map((node, place) => [node, place]));
    this.offReason = this.reasons.findIndex((reason) => reason.name === OFF);
  }

  /** Apply the changes; return their places. */
  apply(message) {
    const at = now();
    this.states = message.states;
    this.lists = message.lists.map(({ title, items }) => ({ title, items: items.map((row) => new Item(row, this.reasons)) }));
    message.at.forEach((place, row) => {
      this.watts[place] = message.watts[row] ?? NaN;
      this.readAt[place] = at - (message.age_s[row] ?? NaN);
      this.failingSince[place] = at - (message.failing_s[row] ?? NaN);
      this.state[place] = message.state[row] ?? -1;
      this.reason[place] = message.reason[row] ?? -1;
    });
    return message.at;
  }

  /** The items of all lists. */
  get items() {
    return this.lists.flatMap(({ items }) => items);
  }

  /** Return the status of a target: measured, failing, off, or unknown while it was not polled. */
  status(place) {
    if (this.reason[place] === this.offReason) return "off";
    if (this.reason[place] >= 0) return "failing";
    return Number.isNaN(this.watts[place]) ? "unknown" : "measured";
  }

  /** The word of a target in a field that can be searched; empty where there is none. */
  word(field, place) {
    if (field === "node" || field === "address") return this[field][place];
    if (field === "status") return this.status(place);
    if (field === "state") return this.states[this.state[place]] ?? "";
    if (field === "reason") return this.reasons[this.reason[place]]?.name ?? "";
    return this[field].words[this[field].at[place]];
  }
}
