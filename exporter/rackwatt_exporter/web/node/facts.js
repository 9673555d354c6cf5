// What measures the node, and its energy since the ledger began, by part.

import { element } from "../fleet/element.js";
import { duration, energy, UNKNOWN, watts as inWatts } from "../fleet/words.js";

const GPUS = { included: "included in the source", separate: "measured separately, and added", none: "none found" };

/** Write the facts of a ledger; of one that has no value, what is missing. */
export function writeFacts(into, ledger, parts) {
  const known = (joules) => (joules === undefined || joules === null ? UNKNOWN : energy(joules));
  const part = (name) => `${known(ledger?.[`${name}_joules`])}${parts ? `, now ${inWatts(parts[name])}` : ""}`;
  const facts = [
    ["Source", ledger?.source ?? "none yet"],
    ["GPUs", GPUS[ledger?.gpus] ?? UNKNOWN],
    ["Idle machine", ledger?.idle_watts == null ? "not known yet" : inWatts(ledger.idle_watts)],
    ["Energy", known(ledger?.measured_joules)],
    ["Measured for", ledger?.covered_s == null ? UNKNOWN : duration(ledger.covered_s)],
    ...[["of units", "units"], ["of the idle machine", "idle"], ["of the system", "system"], ["unattributed", "unattributed"]].map(([name, key]) => [name, part(key)]),
    ["In no part", ledger?.imbalance_joules == null ? UNKNOWN : `${ledger.imbalance_joules} J`],
  ];
  into.replaceChildren(...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}
