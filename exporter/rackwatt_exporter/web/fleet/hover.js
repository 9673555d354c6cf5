// Tooltip of the tile under the pointer.

import { now } from "./fleet.js";
import { duration, watts as inWatts } from "./words.js";

const MARGIN = 14;

/** Show the tooltip in `root` for the tiles of `map`. */
export function hover(root, map, fleet) {
  map.addEventListener("pointermove", (event) => {
    const tile = event.target.closest(".tile");
    root.hidden = tile === null;
    if (tile === null) return;
    root.textContent = tooltip(fleet(), Number(tile.dataset.place));
    const left = Math.min(event.clientX + MARGIN, innerWidth - root.offsetWidth - MARGIN);
    const below = event.clientY + MARGIN + root.offsetHeight < innerHeight;
    root.style.left = `${left}px`;
    root.style.top = `${below ? event.clientY + MARGIN : event.clientY - MARGIN - root.offsetHeight}px`;
  });
  map.addEventListener("pointerleave", () => (root.hidden = true));
}

function tooltip(fleet, place) {
  const watts = fleet.watts[place];
  const age = now() - fleet.readAt[place];
  const read = Number.isNaN(watts) ? fleet.status(place) : `${inWatts(watts)}, ${duration(age)} ago`;
  const words = [fleet.word("reason", place), fleet.word("state", place), fleet.word("type", place)].filter(Boolean);
  return [fleet.node[place], read, ...words].join(" · ");
}
