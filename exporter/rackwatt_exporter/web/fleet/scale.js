// Colour scale of watts. Lightness changes in even steps of OKLCH, so that equal ratios of watts look
// equally far apart, and the order is visible to colour-blind users. Low power is near the background
// colour, high power contrasts with it: in the dark scheme the scale is reversed.

const STEPS = 32;
const NICE = [1, 1.5, 2, 3, 4, 5, 6, 8];
const QUANTILE = 0.02; // a few outliers must not compress the colours of all others
const MIN_RATIO = 2;

/** Return the colours from low to high power. */
export function colours(dark) {
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const strength = step / STEPS;
    const lightness = dark ? 0.31 + 0.6 * strength : 0.91 - 0.6 * strength;
    const depth = (0.91 - lightness) / 0.6;
    const hue = 104 + 176 * depth ** 0.85;
    const chroma = dark ? 0.09 + 0.05 * strength ** 3 : 0.08 + 0.025 * strength; // within sRGB all the way
    return `oklch(${lightness.toFixed(3)} ${chroma.toFixed(3)} ${hue.toFixed(1)})`;
  });
}

/** A logarithmic scale between two round numbers of watts. */
export class Scale {
  constructor(low, high) {
    this.low = low;
    this.high = high;
    this.span = Math.log(high / low);
  }

  /** Return the index of the colour of these watts. */
  step(watts) {
    return Math.round(STEPS * this.strength(watts));
  }

  /** Return the position of these watts between the lowest (0) and the highest (1). */
  strength(watts) {
    const inside = Math.min(Math.max(watts, this.low), this.high);
    return Math.log(inside / this.low) / this.span;
  }

  /** Round numbers along the scale, few enough to be read. */
  ticks() {
    const all = [];
    for (let power = 10 ** Math.floor(Math.log10(this.low)); power <= this.high; power *= 10) {
      all.push(...[1, 2, 5].map((digit) => digit * power));
    }
    const inner = all.filter((tick) => [this.low, this.high].every((end) => Math.abs(this.strength(tick) - this.strength(end)) > 0.14));
    return [this.low, ...inner.filter((tick) => tick > this.low && tick < this.high), this.high];
  }
}

/** Fit a scale to watts; the one before stays as long as it fits, so that colours do not waver. */
export function fitted(values, before) {
  const sorted = values.filter((value) => value > 0).sort();
  if (!sorted.length) return before ?? new Scale(100, 1000);
  const low = sorted[Math.floor(QUANTILE * (sorted.length - 1))];
  const high = sorted[Math.ceil((1 - QUANTILE) * (sorted.length - 1))];
  const fresh = between(low, high);
  if (before && before.low <= low && high <= before.high && before.span < fresh.span + Math.log(2)) return before;
  return fresh;
}

function between(low, high) {
  let bottom = nice(low, Math.floor);
  let top = nice(high, Math.ceil);
  if (top / bottom < MIN_RATIO) [bottom, top] = [nice(low / 1.3, Math.floor), nice(high * 1.3, Math.ceil)];
  return new Scale(bottom, top);
}

/** The nearest round number below or above, as `toward` is Math.floor or Math.ceil. */
function nice(value, toward) {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = value / power;
  if (toward === Math.floor) return power * NICE.findLast((candidate) => candidate <= digit * (1 + 1e-9));
  return power * (NICE.find((candidate) => candidate >= digit * (1 - 1e-9)) ?? 10);
}
