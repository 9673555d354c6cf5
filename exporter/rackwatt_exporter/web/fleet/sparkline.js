// A line as large as a word: the last hour of one node, or of all.

import { duration, watts as inWatts } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HOUR_S = 3600;
const MIN_SPAN_S = 300;

/** Say what a sparkline shows; samples are watts, oldest first, one each `stepS`, null for a gap. */
export function hourInWords(samples, stepS) {
  if (samples.length < 2) return `No history yet: a sample is kept each ${duration(stepS)}, where there are watts.`;
  const known = samples.filter((watts) => watts !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return `Last ${duration((samples.length - 1) * stepS)}: ${inWatts(low)} to ${inWatts(high)}`;
}

/** Draw at least two samples; the text is their alternative for screen readers. */
export function sparkline(samples, stepS, text, width = 320, height = 64) {
  const span = Math.min(HOUR_S, Math.max(MIN_SPAN_S, (samples.length - 1) * stepS));
  const known = samples.filter((watts) => watts !== null);
  const image = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": text, class: "sparkline", preserveAspectRatio: "none" });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const margin = Math.max((high - low) * 0.12, high * 0.02, 1);
  const x = (place) => width - ((samples.length - 1 - place) * stepS * width) / span;
  const y = (watts) => height - 3 - ((height - 6) * (watts - low + margin)) / (high - low + 2 * margin);
  for (const run of runs(samples)) {
    const line = run.map((place) => `${x(place).toFixed(1)},${y(samples[place]).toFixed(1)}`);
    const [from, to] = [x(run[0]).toFixed(1), x(run.at(-1)).toFixed(1)];
    if (run.length > 1) image.append(shape("polygon", { points: `${from},${height} ${line.join(" ")} ${to},${height}`, class: "area" }));
    const points = run.length > 1 ? line.join(" ") : `${line[0]} ${(x(run[0]) + 1).toFixed(1)},${y(samples[run[0]]).toFixed(1)}`;
    image.append(shape("polyline", { points, class: "line", "vector-effect": "non-scaling-stroke" }));
  }
  return image;
}

/** Cut the samples at their gaps. */
function runs(samples) {
  const all = [];
  samples.forEach((watts, place) => {
    if (watts === null) return;
    if (place === 0 || samples[place - 1] === null) all.push([]);
    all.at(-1).push(place);
  });
  return all;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
