// The bands of the last hour, from the bottom of the stack to its top, each with a colour that it keeps.

const COLOURS = 10;

/** Name a unit for people: its id, and whose it is. */
export function named({ manager, unit, user, name }) {
  return [`${manager} ${unit}`, user || name].filter(Boolean).join(" · ");
}

export class Palette {
  constructor() {
    this.taken = new Map();
  }

  /** Give each key a colour of its own; those that were there keep theirs. */
  assign(keys) {
    for (const key of this.taken.keys()) if (!keys.includes(key)) this.taken.delete(key);
    const used = new Set(this.taken.values());
    const free = Array.from({ length: COLOURS }, (_, number) => number).filter((number) => !used.has(number));
    for (const key of keys) if (!this.taken.has(key)) this.taken.set(key, free.shift() ?? 0);
    return keys.map((key) => `unit-${this.taken.get(key)}`);
  }
}

/** Stack the hour: what the idle machine draws lies at the bottom, the largest unit on top. */
export function bandsOf({ parts, units, others }, palette) {
  const keys = units.map(({ manager, unit }) => `${manager}/${unit}`);
  const kinds = palette.assign(keys);
  const lines = units.map((unit, place) => ({ key: keys[place], kind: kinds[place], name: named(unit), watts: unit.watts }));
  return [
    { key: "idle", kind: "idle", name: "idle machine", watts: parts.idle },
    { key: "system", kind: "system", name: "system", watts: parts.system },
    { key: "unattributed", kind: "unattributed", name: "unattributed", watts: parts.unattributed },
    { key: "others", kind: "others", name: "other units", watts: others },
    ...lines.reverse(),
  ].filter(({ watts }) => watts.some((value) => value >= 0.05));
}
