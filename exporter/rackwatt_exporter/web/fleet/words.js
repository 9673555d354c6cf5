// Numbers as people read them. What is not known is a dash, never a 0.

export const UNKNOWN = "—";
const FORMATS = [0, 1, 2].map((digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));

/** 327 W, 1.89 kW, 13.2 kW, 4.82 MW. */
export function watts(value) {
  if (value === null || Number.isNaN(value)) return UNKNOWN;
  if (value < 999.5) return `${grouped(value, value < 9.95 ? 1 : 0)} W`;
  const [scaled, unit] = value < 999_500 ? [value / 1e3, "kW"] : [value / 1e6, "MW"];
  return `${grouped(scaled, scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${unit}`;
}

/** 200 W, 1.5 kW: a number that is round already. */
export function roundWatts(value) {
  return value < 1000 ? `${value} W` : `${value / 1000} kW`;
}

/** 12 s, 3 min, 2 h 5 min, 4 d 1 h. */
export function duration(seconds) {
  if (seconds === null || Number.isNaN(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** 0.8 ms, 12 ms, 3.2 s. */
export function latency(seconds) {
  if (seconds === null) return UNKNOWN;
  return seconds < 1 ? `${grouped(seconds * 1000, seconds < 0.01 ? 1 : 0)} ms` : `${grouped(seconds, 1)} s`;
}

/** 12.3 kWh, from joules. */
export function energy(joules) {
  if (joules === null) return UNKNOWN;
  const kilowattHours = joules / 3.6e6;
  return kilowattHours < 1 ? `${grouped(kilowattHours * 1000, 1)} Wh` : `${grouped(kilowattHours, kilowattHours < 100 ? 2 : 0)} kWh`;
}

/** 512 MiB, 1.5 GiB, 2 TiB. */
export function memory(bytes) {
  const power = [40, 30, 20].find((candidate) => bytes >= 2 ** candidate) ?? 20;
  const value = bytes / 2 ** power;
  return `${grouped(value, Number.isInteger(value) || value >= 100 ? 0 : 1)} ${{ 40: "TiB", 30: "GiB", 20: "MiB" }[power]}`;
}

/** A number with its thousands set apart; a format is costly to make, and made once. */
export function grouped(value, digits = 0) {
  return FORMATS[digits].format(value);
}
