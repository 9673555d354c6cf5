// Racks with one tile for each target. For screen readers it is a grid with racks as rows.
//
// Tiles are plain elements. Ten thousand cost a browser less than a tenth of a second; in return
// focus, names, contrast settings and zoom work as everywhere. Racks out of sight are not laid out.

import { step } from "./arrows.js";
import { element, write } from "./element.js";
import { colours, fitted } from "./scale.js";
import { groupOf, stateColours } from "./states.js";
import { watts as inWatts } from "./words.js";

const NATURAL = new Intl.Collator("en", { numeric: true });
const LONGEST_NAME = 14; // what is longer makes its own rack wider
const NO_RACK = "no rack";
const SIZES = [[400, 24], [1500, 18], [5000, 14], [Infinity, 11]];

export class RackMap {
  /** `open(place)` is called when a tile is chosen, `rescaled()` when colours mean other watts. */
  constructor(root, open, rescaled) {
    this.root = root;
    this.open = open;
    this.rescaled = rescaled;
    this.racks = [];
    this.scale = null;
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.byState = false;
    this.palette = colours(this.dark.matches);
    this.states = stateColours(this.dark.matches);
    root.addEventListener("click", (event) => this.#chosen(event.target));
    root.addEventListener("keydown", (event) => this.#pressed(event));
    root.addEventListener("focusin", (event) => this.#rove(event.target));
    this.dark.addEventListener("change", () => this.#recolour());
  }

  /** Rebuild all tiles. */
  furnish(fleet) {
    const focused = this.root.contains(document.activeElement) ? this.fleet.node[this.current] : undefined;
    this.fleet = fleet;
    this.scale = null;
    this.current = null;
    this.painted = new Int16Array(fleet.count).fill(-1);
    this.tiles = fleet.node.map((node, place) =>
      element("div", { class: "tile unknown", role: "gridcell", tabindex: "-1", "data-place": place, "aria-label": node }),
    );
    this.shown = new Set(fleet.places);
    const size = SIZES.find(([count]) => fleet.count <= count)[1];
    this.root.style.setProperty("--tile", `${size}px`);
    this.root.style.setProperty("--gap", size > 12 ? "2px" : "1px");
    this.root.style.setProperty("--name", Math.min(LONGEST_NAME, Math.max(...fleet.rack.words.map((name) => (name || NO_RACK).length))));
    this.racks = racksOf(fleet).map(([name, places]) => this.#rack(name, places));
    this.root.replaceChildren(...this.racks.map((rack) => rack.card));
    this.#rove(this.tiles[this.racks[0]?.places[0]]);
    this.focus(fleet.placeOf.get(focused) ?? null);
  }

  /** Paint the new readings of these places. */
  paint(places) {
    const shown = Float64Array.from(this.shown, (place) => this.fleet.watts[place]);
    const scale = fitted(shown, this.scale);
    const rescaled = scale !== this.scale;
    this.scale = scale;
    for (const place of rescaled ? this.fleet.places : places) this.#paintTile(place);
    for (const rack of this.racks) this.#total(rack);
    if (rescaled) this.rescaled();
  }

  /** Colour the tiles by the states of their nodes, or by watts. */
  colourBy(state) {
    this.byState = state;
    this.#recolour();
  }

  /** Show only these places. */
  narrow(places) {
    this.shown = new Set(places);
    this.tiles.forEach((tile, place) => (tile.hidden = !this.shown.has(place)));
    for (const rack of this.racks) {
      rack.shown = rack.places.filter((place) => this.shown.has(place));
      rack.card.hidden = rack.shown.length === 0;
    }
    const first = this.racks.find((rack) => rack.shown.length);
    if (first && !this.shown.has(this.current)) this.#rove(this.tiles[first.shown[0]]);
    if (places.some((place) => !Number.isNaN(this.fleet.watts[place]))) this.scale = null; // else nothing to fit one to
    this.paint([]);
  }

  /** Put the focus on a tile, or on the one that had it last. */
  focus(place = this.current) {
    this.tiles[place]?.focus();
  }

  /** Mark the tile whose details are open. */
  mark(place) {
    this.root.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    this.tiles[place]?.setAttribute("aria-selected", "true");
  }

  #rack(name, places) {
    const title = element("span", { class: "name" }, name || NO_RACK);
    const sum = element("span", { class: "watts" });
    const failing = element("span", { class: "failures" });
    const columns = places.length <= 80 ? 8 : Math.ceil(Math.sqrt(places.length) * 1.8);
    const card = element(
      "section",
      { class: "rack", role: "row" },
      element("div", { class: "rack-head", role: "rowheader" }, title, sum, failing),
      element("div", { class: "tiles", role: "presentation" }, ...places.map((place) => this.tiles[place])),
    );
    card.style.setProperty("--columns", columns);
    card.style.setProperty("--lines", Math.ceil(places.length / columns));
    return { name, places, shown: places, card, sum, failing };
  }

  #total(rack) {
    let [sum, measured, failing] = [0, 0, 0];
    for (const place of rack.shown) {
      const watts = this.fleet.watts[place];
      if (!Number.isNaN(watts)) [sum, measured] = [sum + watts, measured + 1];
      if (this.fleet.status(place) === "failing") failing += 1;
    }
    write(rack.sum, measured ? inWatts(sum) : inWatts(NaN));
    write(rack.failing, failing ? `${failing} ✕` : "");
    const label = `Rack ${rack.name || "none"}: ${measured ? inWatts(sum) : "no watts"}, ${measured} of ${rack.shown.length} measured, ${failing} failing`;
    if (rack.card.ariaLabel !== label) rack.card.ariaLabel = label;
  }

  #paintTile(place) {
    const { fleet, tiles, painted } = this;
    const [tile, watts, status] = [tiles[place], fleet.watts[place], fleet.status(place)];
    const known = !Number.isNaN(watts);
    const [step, colour] = this.#colour(place);
    const look = ["measured", "failing", "off", "unknown"].indexOf(status) * 64 + step;
    if (painted[place] !== look) {
      painted[place] = look;
      tile.className = `tile ${status}${colour ? " known" : this.byState ? " stateless" : ""}`;
      tile.style.backgroundColor = colour;
    }
    const words = [fleet.node[place], known ? inWatts(watts) : "no watts", fleet.word("state", place)];
    if (status !== "measured") words.push(status === "failing" ? `failing: ${fleet.word("reason", place)}` : status);
    tile.ariaLabel = words.filter(Boolean).join(", ");
  }

  /** Return the number of a tile's colour, and the colour; 63 and none where it is not known. */
  #colour(place) {
    const [watts, state] = [this.fleet.watts[place], this.fleet.word("state", place)];
    if (this.byState ? !state : Number.isNaN(watts)) return [63, ""];
    const step = this.byState ? groupOf(state) : this.scale.step(watts);
    return [step, (this.byState ? this.states : this.palette)[step]];
  }

  #recolour() {
    this.palette = colours(this.dark.matches);
    this.states = stateColours(this.dark.matches);
    if (!this.scale) return;
    this.painted.fill(-1);
    for (const place of this.fleet.places) this.#paintTile(place);
    this.rescaled();
  }

  #chosen(target) {
    const place = target.closest(".tile")?.dataset.place;
    if (place !== undefined) this.open(Number(place));
  }

  /** Only one tile is a tab stop: the one that had the focus last. */
  #rove(target) {
    const tile = target?.closest(".tile");
    if (!tile) return;
    this.tiles[this.current]?.setAttribute("tabindex", "-1");
    this.current = Number(tile.dataset.place);
    tile.setAttribute("tabindex", "0");
  }

  #pressed(event) {
    if (event.altKey || event.metaKey || !event.target.closest(".tile")) return;
    if (event.key === "Enter" || event.key === " ") this.open(this.current);
    else if (!this.#move(event)) return;
    event.preventDefault();
  }

  #move({ key, ctrlKey }) {
    const racks = this.racks.filter((rack) => rack.shown.length);
    const at = racks.findIndex((rack) => rack.shown.includes(this.current));
    const place = racks[at].shown.indexOf(this.current);
    const next = step(key, ctrlKey, racks, at, place);
    if (next === undefined) return false;
    this.focus(next);
    return true;
  }
}

/** Racks in the order people count them, each with its places. */
function racksOf(fleet) {
  const places = fleet.rack.words.map(() => []);
  fleet.rack.at.forEach((rack, place) => places[rack].push(place));
  return fleet.rack.words.map((name, rack) => [name, places[rack]]).sort(([a], [b]) => NATURAL.compare(a || "\uffff", b || "\uffff"));
}
