// The node page: every part joined to the feed, which asks every few seconds and not in the background.

import { element, write } from "../fleet/element.js";
import { fetched, pause, untilVisible } from "../fleet/feed.js";
import { duration, watts as inWatts } from "../fleet/words.js";
import { Chart } from "./chart.js";
import { writeFacts } from "./facts.js";
import { failing, Health } from "./health.js";
import { Units } from "./units.js";

const INTERVAL_MS = 5000;
const MAX_PAUSE_MS = 60_000;

const at = (id) => document.getElementById(id);
const chart = new Chart(at("plot"), at("scale"), at("times"), at("bands"), at("moment"));
const units = new Units(at("units"));
const health = ["collectors", "managers", "energy"].map((name) => [name, new Health(at(name))]);

let heardAt = null;

function update(data) {
  heardAt = performance.now();
  document.title = `${data.node}: Rackwatt`;
  write(at("node"), data.node);
  write(at("version"), `version ${data.version}`);
  at("metrics").setAttribute("href", data.telemetry_path.slice(1) || "./");
  at("status").setAttribute("href", `status?node=${encodeURIComponent(data.node)}`);
  at("how").hidden = data.measured;
  at("known").hidden = !data.measured;
  write(at("sum-watts"), data.watts === null ? "—" : inWatts(data.watts));
  write(at("sum-words"), data.measured ? words(data) : "is not measured from inside");
  if (data.measured) show(data);
}

function show(data) {
  chart.show(data.hour);
  at("hour").hidden = !chart.hasHistory;
  at("hour-none").hidden = chart.hasHistory;
  write(at("hour-none"), nothingYet(data));
  units.show(data.units);
  write(at("units-count"), count(data));
  at("units-none").hidden = data.units.length > 0;
  write(at("units-none"), data.managers.length ? "None runs here now." : "No manager of units is configured: `spec.node.units` names one.".replaceAll("`", ""));
  writeFacts(at("facts"), data.energy[0], data.parts);
  for (const [name, list] of health) {
    at(name).closest("section").hidden = data[name].length === 0;
    list.show(data[name]);
  }
  announce([...data.collectors, ...data.managers, ...data.energy].filter(failing));
}

function words({ divided, energy, watts }) {
  if (!divided) return "is measured, and its energy is not divided";
  const source = energy[0].source;
  if (!source) return "nothing measures its power yet";
  return watts === null ? `no power lately: measured by ${source}` : `measured by ${source}`;
}

function nothingYet({ divided, hour }) {
  if (!divided) return "Energy is not divided between units here: spec.node.units or spec.node.energy starts it.";
  return `No history yet: a step is kept each ${duration(hour.step_s)}, where energy is measured.`;
}

function count({ unit_count: all, units: listed }) {
  return listed.length < all ? `first ${listed.length} of ${all}` : String(all);
}

/** Announce to screen readers what fails, when that changes. */
function announce(items) {
  const names = items.map((item) => `${item.collector ?? item.manager ?? "energy"}: ${item.reason}`);
  write(at("announcement"), names.length ? `${names.length} failing: ${names.join(", ")}.` : "Nothing fails.");
}

function fallSilent(error) {
  document.body.classList.add("silent");
  at("silence").hidden = false;
  at("silence").replaceChildren(element("b", {}, "The exporter does not respond"), ` (${error.message}). What is shown is old.`);
}

function speak() {
  document.body.classList.remove("silent");
  at("silence").hidden = true;
}

async function follow() {
  for (let failures = 0; ; ) {
    await untilVisible();
    const data = await fetched("node/data").catch((error) => ({ error }));
    failures = data.error ? failures + 1 : 0;
    if (data.error) {
      fallSilent(data.error);
    } else {
      speak();
      update(data);
    }
    await pause(Math.min(INTERVAL_MS * 2 ** failures, MAX_PAUSE_MS));
  }
}

setInterval(() => heardAt !== null && write(at("pulse-words"), `${duration((performance.now() - heardAt) / 1000)} ago`), 1000);
follow();
