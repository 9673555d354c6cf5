// The fleet page: every part joined to the next. The feed brings readings, the fleet holds them; the
// map, the overview, the lists, the table and the details show them, and one query narrows what is shown.

import * as address from "./address.js";
import { Announcer } from "./announcer.js";
import { Details } from "./details.js";
import { follow } from "./feed.js";
import { Fleet } from "./fleet.js";
import { hover } from "./hover.js";
import { drawLegend, drawStates } from "./legend.js";
import { Lists } from "./lists.js";
import { RackMap } from "./map.js";
import { Overview } from "./overview.js";
import { found, toggled } from "./search.js";
import { Summary } from "./summary.js";
import { TableView } from "./table.js";

const at = (id) => document.getElementById(id);
const query = at("query");

let fleet = null;
let shown = null;

const map = new RackMap(at("racks"), open, explain);
const table = new TableView(at("table"), open);
const details = new Details(at("details"), closed);
const overview = new Overview(narrowTo, open);
const lists = new Lists(at("lists"));
const announcer = new Announcer(at("announcement"));
const summary = new Summary();

function furnish(layout) {
  const chosen = fleet?.node[details.place] ?? address.node();
  fleet = new Fleet(layout);
  shown = null;
  map.furnish(fleet);
  overview.furnish(fleet);
  summary.furnish(fleet);
  details.follow(fleet, fleet.placeOf.get(chosen));
}

/** Draw the legend of the colours that are in use. */
function explain() {
  if (map.byState) drawStates(at("legend"), fleet, map.states);
  else drawLegend(at("legend"), map.scale, map.palette);
}

function update(message) {
  const places = fleet.apply(message);
  narrow();
  map.paint(places);
  if (map.byState) explain(); // states come and go
  offerColours();
  overview.update(fleet);
  overview.mark(query.value);
  announcer.update(fleet);
  summary.hear();
  writeShown();
  map.mark(details.place);
  if (places.includes(details.place)) details.update();
}

/** Filter again by the query: states and reasons have changed. */
function narrow() {
  const left = found(fleet, query.value);
  if (shown?.length === left.length && left.every((place, row) => place === shown[row])) return;
  shown = left;
  map.narrow(shown);
}

/** Add a term to the query as if it had been typed, or remove it. */
function narrowTo(term) {
  query.value = toggled(query.value, term);
  searched();
}

function clear() {
  query.value = "";
  searched();
}

function searched() {
  address.write({ q: query.value });
  overview.mark(query.value);
  if (fleet === null) return;
  narrow();
  writeShown();
}

function writeShown() {
  summary.update(shown, query.value.trim() !== "");
  lists.update(fleet, query.value);
  if (!at("table").hidden) table.show(fleet, shown);
}

function open(place) {
  address.write({ node: fleet.node[place] });
  map.mark(place);
  details.open(fleet, place);
}

function closed(place) {
  address.write({ node: "" });
  map.mark(null);
  if (at("table").hidden) map.focus(place);
  else table.focus(place);
}

function view(name) {
  const tabular = name === "table";
  at("table").hidden = !tabular;
  at("racks").hidden = at("legend").hidden = tabular;
  at("view-tiles").ariaPressed = String(!tabular);
  at("view-table").ariaPressed = String(tabular);
  address.write({ view: tabular ? "table" : "" });
  if (tabular && fleet !== null) table.show(fleet, shown);
  offerColours();
}

function colour(name) {
  const byState = name === "state";
  at("colour-power").ariaPressed = String(!byState);
  at("colour-state").ariaPressed = String(byState);
  address.write({ colour: byState ? "state" : "" });
  map.colourBy(byState);
}

/** Offer the choice of colours where there is one: some node has a state. */
function offerColours() {
  const stateful = fleet !== null && fleet.state.some((state) => state >= 0);
  at("colours").hidden = !at("table").hidden || !(stateful || map.byState);
}

function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "/" && document.activeElement !== query) query.select();
  else if (event.key === "Escape" && document.activeElement === query) leaveSearch();
  else if (event.key === "Escape" && details.place !== null) details.close();
  else if (event.key === "Escape" && query.value) clear();
  else return;
  event.preventDefault();
}

/** Clear the search field on Escape, or move the focus from an empty one to the racks. */
function leaveSearch() {
  if (query.value) clear();
  else map.focus();
}

query.value = address.query();
query.addEventListener("input", searched);
at("search").addEventListener("submit", (event) => {
  event.preventDefault();
  map.focus();
});
at("view-tiles").addEventListener("click", () => view("tiles"));
at("view-table").addEventListener("click", () => view("table"));
at("colour-power").addEventListener("click", () => colour("power"));
at("colour-state").addEventListener("click", () => colour("state"));
document.addEventListener("keydown", pressed);
setInterval(() => {
  details.tick();
  summary.tick();
}, 1000);
hover(at("hover"), at("racks"), () => fleet);
view(address.view());
colour(address.colour());
follow({ furnish, update, fallSilent: (error) => summary.fallSilent(error) });
