// Summary at the top: the total power, its last hour, and whether the exporter responds.

import { write } from "./element.js";
import { fetched } from "./feed.js";
import { now } from "./fleet.js";
import { hourInWords, sparkline } from "./sparkline.js";
import { duration, grouped, watts as inWatts } from "./words.js";

const HOUR_PACE_S = 30;
const at = (id) => document.getElementById(id);

export class Summary {
  constructor() {
    this.heardAt = null;
    this.silentSince = null;
    this.hourAt = -HOUR_PACE_S;
  }

  furnish(fleet) {
    this.fleet = fleet;
    at("metrics").href = fleet.layout.telemetry_path.slice(1);
    at("inside").hidden = fleet.layout.inside === null;
    write(at("version"), `rackwatt ${fleet.layout.version}`);
  }

  /** Note a response of the exporter. */
  hear() {
    this.heardAt = now();
    this.silentSince = null;
    at("silence").hidden = true;
    document.body.classList.remove("silent");
    if (now() - this.hourAt > HOUR_PACE_S) this.#drawHour();
    this.tick();
  }

  /** Write the sums of all targets, and of those that a query has left. */
  update(shown, narrowed) {
    const { fleet } = this;
    const { sum, measured } = added(fleet, fleet.places);
    write(at("sum-watts"), inWatts(sum));
    const all = fleet.count === 1 ? "1 target" : `${grouped(fleet.count)} targets`;
    const some = measured < fleet.count ? `${grouped(measured)} of ` : fleet.count > 1 ? "all " : "";
    write(at("sum-words"), fleet.count ? `sum of ${some}${all}` : "no targets");
    const found = shown.length ? `${grouped(shown.length)} of ${all} · ${inWatts(added(fleet, shown).sum)}` : `None of ${all} fits. Escape clears the search.`;
    write(at("found"), narrowed ? found : "");
  }

  /** Show that the exporter does not respond. */
  fallSilent(error) {
    this.silentSince ??= new Date();
    const since = this.silentSince.toLocaleTimeString();
    const old = this.heardAt === null ? "" : " The values shown are as old as that.";
    write(at("silence"), `No response from the exporter since ${since} (${error.message}).${old} Retrying.`);
    at("silence").hidden = false;
    document.body.classList.add("silent");
    this.tick();
  }

  /** Write what changes with every second. */
  tick() {
    if (this.silentSince) write(at("pulse-words"), "no answer");
    else if (this.heardAt !== null) write(at("pulse-words"), now() - this.heardAt < 3 ? "live" : `${duration(now() - this.heardAt)} ago`);
  }

  async #drawHour() {
    this.hourAt = now();
    const { step_s, watts } = await fetched("fleet/sum").catch(() => ({ watts: [] }));
    at("sum-hour").hidden = watts.length < 2;
    if (watts.length < 2) return;
    const words = hourInWords(watts, step_s);
    at("sum-hour").title = words;
    at("sum-hour").replaceChildren(sparkline(watts, step_s, words, 180, 36));
  }
}

function added(fleet, places) {
  let [sum, measured] = [0, 0];
  for (const place of places) {
    if (Number.isNaN(fleet.watts[place])) continue;
    sum += fleet.watts[place];
    measured += 1;
  }
  return { sum: measured ? sum : NaN, measured };
}
