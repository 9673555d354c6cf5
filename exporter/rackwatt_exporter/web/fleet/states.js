// Colours of the states that schedulers give nodes. Words that mean the same to the one who looks have
// one colour. Neighbours in this list differ in lightness as well as in hue: for colour-blind users too.

const GROUPS = [
  { words: ["allocated", "completing"], light: "oklch(0.42 0.15 262)", dark: "oklch(0.67 0.15 262)" },
  { words: ["mixed"], light: "oklch(0.7 0.12 232)", dark: "oklch(0.84 0.1 215)" },
  { words: ["idle"], light: "oklch(0.86 0.1 150)", dark: "oklch(0.37 0.07 165)" },
  { words: ["planned", "reserved", "maintenance", "blocked"], light: "oklch(0.87 0.15 98)", dark: "oklch(0.92 0.13 100)" },
  { words: ["draining", "drained", "failing"], light: "oklch(0.68 0.17 55)", dark: "oklch(0.73 0.16 55)" },
  { words: ["down", "fail", "error", "not_responding", "invalid_reg"], light: "oklch(0.45 0.17 18)", dark: "oklch(0.63 0.21 22)" },
  { words: ["powered_down", "powering_down", "powering_up", "rebooting"], light: "oklch(0.6 0.13 320)", dark: "oklch(0.74 0.12 325)" },
  { words: [], light: "oklch(0.55 0.01 250)", dark: "oklch(0.58 0.01 250)" }, // every other word
];
const GROUP_OF = new Map(GROUPS.flatMap(({ words }, group) => words.map((word) => [word, group])));

/** Return the number of a state's colour. */
export function groupOf(state) {
  return GROUP_OF.get(state) ?? GROUPS.length - 1;
}

/** Return the colours, by number. */
export function stateColours(dark) {
  return GROUPS.map((group) => (dark ? group.dark : group.light));
}

/** Return the states that a fleet has now, by the number of their colour. */
export function presentStates(fleet) {
  const present = GROUPS.map(() => []);
  for (const number of new Set(fleet.state)) {
    const state = fleet.states[number];
    if (state !== undefined) present[groupOf(state)].push(state);
  }
  return present.map((states) => states.sort());
}
