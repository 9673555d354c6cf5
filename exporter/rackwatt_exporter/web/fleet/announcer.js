// Announcements for screen readers: targets that fail or recover, at most every few seconds.

import { now } from "./fleet.js";

const PAUSE_S = 8;
const MAX_NAMES = 3;

export class Announcer {
  constructor(root) {
    this.root = root;
    this.failing = null;
    this.announcedAt = 0;
  }

  /** Announce the difference to the last announcement. */
  update(fleet) {
    const failing = new Map();
    for (const place of fleet.places) {
      if (fleet.status(place) === "failing") failing.set(fleet.node[place], fleet.word("reason", place));
    }
    for (const item of fleet.items) {
      if (item.status === "failing") failing.set(item.name, item.reasonName);
    }
    if (this.failing === null) this.#announce(failing, `${fleet.count} targets, ${failing.size} failing.`);
    else if (now() - this.announcedAt > PAUSE_S) this.#announceChanges(failing);
  }

  #announceChanges(failing) {
    const failed = [...failing.keys()].filter((node) => !this.failing.has(node));
    const recovered = [...this.failing.keys()].filter((node) => !failing.has(node));
    const messages = [];
    if (failed.length) messages.push(`${named(failed)} now failing: ${failing.get(failed[0])}.`);
    if (recovered.length) messages.push(`${named(recovered)} not failing any more.`);
    if (messages.length) this.#announce(failing, messages.join(" "));
  }

  #announce(failing, text) {
    this.failing = failing;
    this.announcedAt = now();
    this.root.textContent = text;
  }
}

function named(nodes) {
  const names = nodes.slice(0, MAX_NAMES).join(", ");
  return nodes.length > MAX_NAMES ? `${names} and ${nodes.length - MAX_NAMES} more` : names;
}
