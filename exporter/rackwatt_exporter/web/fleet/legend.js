// What the colours and shapes of the tiles mean.

import { element } from "./element.js";
import { presentStates } from "./states.js";
import { roundWatts } from "./words.js";

const SHAPES = [
  ["failing", "failing"],
  ["failing known", "failing, last watts still count"],
  ["off", "powered off"],
  ["unknown", "not read"],
];

/** Draw the legend of a scale in the colours that are in use. */
export function drawLegend(root, scale, palette) {
  const ramp = element("span", { class: "ramp" });
  ramp.style.backgroundImage = `linear-gradient(to right, ${palette.join(", ")})`;
  const ticks = scale.ticks().map((watts) => {
    const tick = element("span", { class: "tick" }, roundWatts(watts));
    tick.style.left = `${(100 * scale.strength(watts)).toFixed(1)}%`;
    return tick;
  });
  const middle = palette[Math.round(palette.length / 2)];
  const shapes = SHAPES.map(([kind, words]) => key(kind, words, kind === "failing known" ? middle : ""));
  const text = `Colour from ${roundWatts(scale.low)} to ${roundWatts(scale.high)}, in equal steps of ratio`;
  root.replaceChildren(
    element("span", { class: "scale", role: "img", "aria-label": text }, ramp, element("span", { class: "ticks" }, ...ticks)),
    element("span", { class: "keys" }, ...shapes),
  );
}

/** Draw the legend of states: those that nodes have now, in the colours that are in use. */
export function drawStates(root, fleet, colours) {
  const keys = presentStates(fleet).flatMap((states, group) => (states.length ? [key("measured known", states.join(", "), colours[group])] : []));
  const shapes = [["stateless", "no state"], ["failing", "failing, no state"], ["off", "powered off"]].map(([kind, words]) => key(kind, words));
  root.replaceChildren(element("span", { class: "keys" }, ...keys, ...shapes));
}

function key(kind, words, colour = "") {
  const tile = element("span", { class: `tile ${kind}`, "aria-hidden": "true" });
  tile.style.backgroundColor = colour;
  return element("span", { class: "key" }, tile, words);
}
