// Tells screen readers what has changed: who fails and who answers again, seldom enough to be heard.

const PAUSE_MS = 8000;
const MOST_NAMES = 3;

export class Announcer {
  constructor(root) {
    this.root = root;
    this.failing = null;
    this.toldAt = -PAUSE_MS;
  }

  furnish(fleet) {
    this.fleet = fleet;
    this.failing = null;
  }

  /** Note who fails now; say what is different from what was said last. */
  update() {
    const failing = new Set(this.fleet.places.filter((place) => this.fleet.status(place) === "failing"));
    if (this.failing === null) {
      this.#say(failing, `${this.fleet.count} targets, ${failing.size} failing.`);
      return;
    }
    if (performance.now() - this.toldAt < PAUSE_MS) return;
    const fallen = [...failing].filter((place) => !this.failing.has(place));
    const back = [...this.failing].filter((place) => !failing.has(place));
    const told = [];
    if (fallen.length) told.push(`${this.#named(fallen)} now failing: ${this.fleet.word("reason", fallen[0])}.`);
    if (back.length) told.push(`${this.#named(back)} not failing any more.`);
    if (told.length) this.#say(failing, told.join(" "));
  }

  #say(failing, text) {
    this.failing = failing;
    this.toldAt = performance.now();
    this.root.textContent = text;
  }

  #named(places) {
    const names = places.slice(0, MOST_NAMES).map((place) => this.fleet.node[place]);
    return places.length > MOST_NAMES ? `${names.join(", ")} and ${places.length - MOST_NAMES} more` : names.join(", ");
  }
}
