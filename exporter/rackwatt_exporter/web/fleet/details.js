// Details of one target, beside the racks: fetched when they are opened, and at each of its readings.

import { breakable, element, prose } from "./element.js";
import { fetched } from "./feed.js";
import { now } from "./fleet.js";
import { jobsOf } from "./jobs.js";
import { hourInWords, sparkline } from "./sparkline.js";
import { duration, energy, grouped, latency, UNKNOWN, watts as inWatts } from "./words.js";

const WORDS = { measured: "measured", failing: "failing", off: "powered off", unknown: "not read" };

export class Details {
  /** `closed()` is called when the panel closes. */
  constructor(root, closed) {
    this.root = root;
    this.closed = closed;
    this.place = null;
    this.title = element("h2", { id: "details-title" });
    this.badge = element("span", { class: "badge" });
    this.watts = element("strong");
    this.age = element("span", { class: "age" });
    this.hour = element("figure", { class: "hour" });
    this.trouble = element("section", { class: "trouble", "aria-label": "What is wrong" });
    this.jobs = element("section", { class: "jobs", "aria-labelledby": "jobs-title" });
    this.inside = element("p", { class: "inside" }, element("a", { href: "node" }, "Its jobs, and what measures it from inside"));
    this.facts = element("dl");
    const close = element("button", { type: "button", class: "close", "aria-label": "Close", title: "Close (Esc)", click: () => this.close() }, "✕");
    const head = element("div", { class: "details-head" }, this.title, this.badge, close);
    root.replaceChildren(head, element("p", { class: "now" }, this.watts, " ", this.age), this.trouble, this.hour, this.inside, this.facts, this.jobs);
  }

  /** Open on a target, and take the focus. */
  open(fleet, place) {
    this.#show(fleet, place);
    this.root.focus({ preventScroll: true });
  }

  #show(fleet, place) {
    [this.fleet, this.place] = [fleet, place];
    this.title.textContent = fleet.node[place];
    this.trouble.replaceChildren();
    this.facts.replaceChildren();
    this.hour.replaceChildren();
    this.jobs.replaceChildren();
    this.inside.hidden = fleet.node[place] !== fleet.layout.inside;
    this.root.hidden = false;
    this.tick();
    this.update();
  }

  /** Keep the target open after a reload of the fleet, or close it if it was removed. */
  follow(fleet, place) {
    if (place !== undefined) this.#show(fleet, place);
    else if (this.place !== null) this.close();
  }

  close() {
    const { place } = this;
    this.root.hidden = true;
    this.place = null;
    this.closed(place);
  }

  /** Write what changes with every second. */
  tick() {
    if (this.place === null) return;
    const { fleet, place } = this;
    const status = fleet.status(place);
    this.badge.textContent = WORDS[status];
    this.badge.className = `badge ${status}`;
    this.watts.textContent = inWatts(fleet.watts[place]);
    const age = now() - fleet.readAt[place];
    const past = Number.isNaN(fleet.watts[place]) ? "last reading" : "read";
    this.age.textContent = Number.isNaN(age) ? "never read" : `${past} ${duration(age)} ago`;
  }

  /** Fetch the details from the exporter, and show them. */
  async update() {
    const { fleet, place } = this;
    const node = encodeURIComponent(fleet.node[place]);
    try {
      const [target, more] = await Promise.all([fetched(`status?node=${node}`), fetched(`fleet/target?node=${node}`)]);
      if (this.place !== place || this.fleet !== fleet) return;
      this.tick();
      this.#writeTrouble(target);
      this.#writeHour(more);
      this.jobs.replaceChildren(...jobsOf(more.jobs));
      this.#writeFacts({ ...target, ...more });
    } catch (error) {
      if (this.place === place) this.trouble.replaceChildren(element("p", {}, `Details are not available: ${error.message}.`));
    }
  }

  #writeTrouble(target) {
    const reason = this.fleet.reasons.find(({ name }) => name === target.reason);
    if (!reason) {
      this.trouble.replaceChildren();
      return;
    }
    this.trouble.className = `trouble ${reason.name === "powered_off" ? "off" : "failing"}`;
    this.trouble.replaceChildren(
      element("h3", {}, reason.name),
      element("p", { class: "message" }, target.message),
      element("p", { class: "happened" }, ...prose(reason.description)),
      element("p", { class: "remedy" }, element("b", {}, "What to do "), ...prose(target.remedy)),
      element("p", { class: "since" }, `For ${duration(target.failing_for_s)} now.`),
    );
  }

  #writeHour({ watts, step_s }) {
    const caption = element("figcaption", {}, hourInWords(watts, step_s));
    const drawn = watts.length > 1 ? [sparkline(watts, step_s, caption.textContent)] : [];
    this.hour.replaceChildren(...drawn, caption);
  }

  #writeFacts(target) {
    const errors = Object.entries(target.errors).map(([reason, count]) => `${reason} ${grouped(count)}×`);
    const facts = [
      ["State", target.state ?? "not known"],
      ["Rack", target.rack || "none"],
      ["Type", target.type],
      ["Method", target.method],
      ["Address", target.address],
      ["Source of the value", target.source ?? UNKNOWN],
      ["Session", target.session || "none open"],
      ["Last poll took", latency(target.took_s)],
      ["Readings", grouped(target.reads)],
      ["Errors", errors.join(", ") || "none"],
      ["Energy", target.joules === null ? UNKNOWN : `${energy(target.joules)}, measured for ${duration(target.covered_s)}`],
      ["Document", target.powertarget],
    ];
    this.facts.replaceChildren(...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, ...breakable(value)))));
  }
}
