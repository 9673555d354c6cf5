// The last hour as a stack of bands. Pointer and arrow keys choose a moment, whose watts stand in the
// list beside it; the stack is a slider for screen readers, and its text says the same.

import { element, write } from "../fleet/element.js";
import { Rows } from "../fleet/rows.js";
import { duration, roundWatts, watts as inWatts } from "../fleet/words.js";
import { bandsOf, Palette } from "./bands.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [1200, 300];
const MIN_STEPS = 10;
const SPOKEN = 4;
const LINES = [1, 2, 2.5, 5, 10];
const STRIDES = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

export class Chart {
  constructor(plot, scale, times, bands, moment) {
    Object.assign(this, { plot, scale, times, moment });
    this.palette = new Palette();
    this.list = new Rows(bands, row);
    this.image = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.cursor = element("span", { class: "cursor" });
    plot.replaceChildren(this.image, this.cursor);
    this.bands = [];
    this.chosen = null; // steps before the last one; null for the last
    plot.addEventListener("pointermove", (event) => this.#point(event));
    plot.addEventListener("pointerleave", () => this.#choose(null, ""));
    plot.addEventListener("keydown", (event) => this.#press(event));
  }

  get hasHistory() {
    return this.count > 1 && this.bands.length > 0;
  }

  /** Show an hour; the moment that is chosen stays. */
  show(hour) {
    this.stepS = hour.step_s;
    this.known = hour.parts.units.map((watts) => watts !== null);
    this.count = this.known.length;
    this.bands = bandsOf(hour, this.palette);
    if (!this.hasHistory) return;
    this.span = Math.max(MIN_STEPS, this.count - 1);
    this.#draw();
    this.#write();
  }

  #draw() {
    const base = new Array(this.count).fill(0);
    const tops = this.bands.map(({ watts }) => {
      watts.forEach((value, place) => (base[place] += value ?? 0));
      return [...base];
    });
    const step = LINES.map((line) => line * 10 ** Math.floor(Math.log10(Math.max(...base, 1) / 4))).find((line) => line * 4 >= Math.max(...base, 1));
    this.high = step * Math.ceil(Math.max(...base, 1) / step);
    const runs = this.#runs();
    const below = [new Array(this.count).fill(0), ...tops];
    this.image.replaceChildren(
      ...this.bands.flatMap(({ key, kind }, number) =>
        runs.map((run) => shape("polygon", { points: this.#outline(run, tops[number], below[number]), class: `band ${kind}`, "data-key": key })),
      ),
    );
    this.#label(step);
  }

  #outline(run, top, bottom) {
    const places = run.length > 1 ? run : [run[0] - 0.4, run[0] + 0.4];
    const at = (watts) => (place) => `${this.#x(place).toFixed(1)},${this.#y(watts[Math.round(place)]).toFixed(1)}`;
    return [...places.map(at(top)), ...places.toReversed().map(at(bottom))].join(" ");
  }

  #x(place) {
    return (WIDTH * (place + this.span - (this.count - 1))) / this.span;
  }

  #y(watts) {
    return HEIGHT * (1 - watts / this.high);
  }

  /** Cut the steps at their gaps. */
  #runs() {
    const all = [];
    this.known.forEach((is, place) => {
      if (!is) return;
      if (!this.known[place - 1]) all.push([]);
      all.at(-1).push(place);
    });
    return all;
  }

  #label(step) {
    const marks = Array.from({ length: Math.round(this.high / step) + 1 }, (_, number) => number * step);
    this.scale.replaceChildren(...marks.map((watts) => placed(roundWatts(watts), "bottom", watts / this.high)));
    const minutes = (this.span * this.stepS) / 60;
    const times = [1, 0.5, 0].map((part) => placed(part ? `${Math.round(minutes * part * 10) / 10} min ago` : "now", "right", part));
    this.times.replaceChildren(...times);
  }

  #point({ clientX, target }) {
    if (!this.hasHistory) return;
    const box = this.plot.getBoundingClientRect();
    this.#choose(((box.right - clientX) / box.width) * this.span, target.dataset?.key ?? "");
  }

  #press(event) {
    const stride = STRIDES[event.key];
    if (stride === undefined || !this.hasHistory) return;
    event.preventDefault();
    this.#choose((this.chosen ?? 0) - stride, "");
  }

  #choose(before, key) {
    this.chosen = before === null ? null : Math.min(Math.max(Math.round(before), 0), this.count - 1);
    this.pointed = key;
    if (this.hasHistory) this.#write();
  }

  /** Write the watts of the moment that is chosen. */
  #write() {
    const before = Math.min(this.chosen ?? 0, this.count - 1);
    const place = this.count - 1 - before;
    const shown = this.chosen === null ? this.known.lastIndexOf(true) : place;
    const age = (this.count - 1 - shown) * this.stepS;
    const total = this.known[shown] ? this.bands.reduce((sum, { watts }) => sum + watts[shown], 0) : null;
    const when = age ? `${duration(age)} ago` : "now";
    write(this.moment, `${when}: ${total === null ? "not measured" : inWatts(total)}`);
    this.cursor.hidden = this.chosen === null;
    this.cursor.style.right = `${(100 * before) / this.span}%`;
    const top = this.bands.toReversed().map((band) => [band.key, { ...band, now: total === null ? null : band.watts[shown] }]);
    this.list.show(top, (into, band) => fill(into, band, band.key === this.pointed));
    this.#speak(shown, when, total, top.map(([, band]) => band));
  }

  #speak(shown, when, total, bands) {
    const most = bands.filter(({ now }) => now > 0).sort((a, b) => b.now - a.now).slice(0, SPOKEN);
    const parts = most.map(({ name, now }) => `${name} ${inWatts(now)}`);
    this.plot.setAttribute("aria-valuemax", this.count - 1);
    this.plot.setAttribute("aria-valuenow", shown);
    this.plot.setAttribute("aria-valuetext", `${when}: ${total === null ? "not measured" : [inWatts(total), ...parts].join(", ")}`);
  }
}

function row(_, { kind, name }) {
  const [swatch, watts] = [element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), element("span", { class: "value" })];
  const label = element("span", { class: "name" }, name);
  return { root: element("li", {}, swatch, label, " ", watts), swatch, label, watts };
}

function fill({ root, swatch, label, watts }, { kind, name, now }, isPointed) {
  swatch.className = `swatch ${kind}`;
  write(label, name);
  write(watts, now === null ? "—" : inWatts(now));
  root.classList.toggle("pointed", isPointed);
}

function placed(text, side, part) {
  const mark = element("span", {}, text);
  mark.style[side] = `${100 * part}%`;
  return mark;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
