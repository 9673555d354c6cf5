// Watts as colour. The way leads through OKLCH with lightness in even steps, so that equal ratios of
// watts look equally far apart, and the order stays plain to eyes that see fewer hues. Little power
// lies near the background, much stands out from it: in dark the way is walked the other way round.

const STEPS = 32;
const NICE = [1, 1.5, 2, 3, 4, 5, 6, 8];
const QUANTILE = 0.02; // one machine on fire does not make all others look cold
const LEAST_RATIO = 2;

/** The colours from little to much. */
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
  constructor(least, most) {
    this.least = least;
    this.most = most;
    this.span = Math.log(most / least);
  }

  /** Tell which of the colours stands for these watts. */
  step(watts) {
    return Math.round(STEPS * this.strength(watts));
  }

  /** Tell where between least (0) and most (1) these watts lie. */
  strength(watts) {
    const inside = Math.min(Math.max(watts, this.least), this.most);
    return Math.log(inside / this.least) / this.span;
  }

  /** Round numbers along the scale, few enough to be read. */
  ticks() {
    const all = [];
    for (let power = 10 ** Math.floor(Math.log10(this.least)); power <= this.most; power *= 10) {
      all.push(...[1, 2, 5].map((digit) => digit * power));
    }
    const inner = all.filter((tick) => [this.least, this.most].every((end) => Math.abs(this.strength(tick) - this.strength(end)) > 0.14));
    return [this.least, ...inner.filter((tick) => tick > this.least && tick < this.most), this.most];
  }
}

/** Fit a scale to watts; the one before stays as long as it fits, so that colours do not waver. */
export function fitted(values, before) {
  const sorted = values.filter((value) => value > 0).sort();
  if (!sorted.length) return before ?? new Scale(100, 1000);
  const low = sorted[Math.floor(QUANTILE * (sorted.length - 1))];
  const high = sorted[Math.ceil((1 - QUANTILE) * (sorted.length - 1))];
  const fresh = between(low, high);
  if (before && before.least <= low && high <= before.most && before.span < fresh.span + Math.log(2)) return before;
  return fresh;
}

function between(low, high) {
  let least = nice(low, Math.floor);
  let most = nice(high, Math.ceil);
  if (most / least < LEAST_RATIO) [least, most] = [nice(low / 1.3, Math.floor), nice(high * 1.3, Math.ceil)];
  return new Scale(least, most);
}

/** The nearest round number below or above, as `toward` is Math.floor or Math.ceil. */
function nice(value, toward) {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = value / power;
  if (toward === Math.floor) return power * NICE.findLast((candidate) => candidate <= digit * (1 + 1e-9));
  return power * (NICE.find((candidate) => candidate >= digit * (1 - 1e-9)) ?? 10);
}
