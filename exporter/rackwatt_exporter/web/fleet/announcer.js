// Tells screen readers what has changed: who fails and who answers again, seldom enough to be heard.

import { now } from "./fleet.js";

const PAUSE_S = 8;
const MOST_NAMES = 3;

export class Announcer {
  constructor(root) {
    this.root = root;
    this.failing = null;
    this.toldAt = 0;
  }

  /** Note who fails now; say what is different from what was said last. */
  update(fleet) {
    const failing = new Map();
    for (const place of fleet.places) {
      if (fleet.status(place) === "failing") failing.set(fleet.node[place], fleet.word("reason", place));
    }
    for (const item of fleet.items) {
      if (item.status === "failing") failing.set(item.name, item.reasonName);
    }
    if (this.failing === null) this.#say(failing, `${fleet.count} targets, ${failing.size} failing.`);
    else if (now() - this.toldAt > PAUSE_S) this.#sayChanges(failing);
  }

  #sayChanges(failing) {
    const fallen = [...failing.keys()].filter((node) => !this.failing.has(node));
    const back = [...this.failing.keys()].filter((node) => !failing.has(node));
    const told = [];
    if (fallen.length) told.push(`${named(fallen)} now failing: ${failing.get(fallen[0])}.`);
    if (back.length) told.push(`${named(back)} not failing any more.`);
    if (told.length) this.#say(failing, told.join(" "));
  }

  #say(failing, text) {
    this.failing = failing;
    this.toldAt = now();
    this.root.textContent = text;
  }
}

function named(nodes) {
  const names = nodes.slice(0, MOST_NAMES).join(", ");
  return nodes.length > MOST_NAMES ? `${names} and ${nodes.length - MOST_NAMES} more` : names;
}
