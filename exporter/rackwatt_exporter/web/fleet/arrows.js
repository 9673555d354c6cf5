// Keyboard navigation among the tiles. Left and right move through all of them in order; up and down
// move visually, also from the edge of a rack to the rack beyond it.

/** Return the place that a key moves to from tile number `place` of rack number `at`. */
export function step(key, ctrl, racks, at, place) {
  const all = () => racks.flatMap((rack) => rack.shown);
  const here = racks[at].shown;
  const before = racks.slice(0, at).reduce((sum, rack) => sum + rack.shown.length, 0) + place;
  switch (key) {
    case "ArrowRight": return all()[before + 1] ?? here[place];
    case "ArrowLeft": return all()[before - 1] ?? here[place];
    case "ArrowDown": return vertical(racks, at, place, 1);
    case "ArrowUp": return vertical(racks, at, place, -1);
    case "Home": return ctrl ? racks[0].shown[0] : here[0];
    case "End": return ctrl ? racks.at(-1).shown.at(-1) : here.at(-1);
    case "PageDown": return racks[Math.min(at + 1, racks.length - 1)].shown[0];
    case "PageUp": return racks[Math.max(at - 1, 0)].shown[0];
    default: return undefined;
  }
}

/** Move one line up or down: within the rack, or to the rack beyond. */
function vertical(racks, at, place, way) {
  const { shown, card } = racks[at];
  const columns = columnsOf(card);
  const wanted = shown[place + way * columns];
  if (wanted !== undefined) return wanted;
  const column = place % columns;
  const lastLine = Math.floor((shown.length - 1) / columns);
  if (way > 0 && Math.floor(place / columns) < lastLine) return shown.at(-1);
  const other = nearest(racks, card, way);
  if (!other) return shown[place];
  const width = columnsOf(other.card);
  const line = way > 0 ? 0 : Math.floor((other.shown.length - 1) / width);
  return other.shown[Math.min(line * width + Math.min(column, width - 1), other.shown.length - 1)];
}

/** Find the rack below (1) or above (-1) of a card, the nearest line first, then the nearest place. */
function nearest(racks, card, way) {
  const beyond = racks.filter((rack) => way * (rack.card.offsetTop - card.offsetTop) > 0);
  const line = Math.min(...beyond.map((rack) => Math.abs(rack.card.offsetTop - card.offsetTop)));
  return beyond
    .filter((rack) => Math.abs(rack.card.offsetTop - card.offsetTop) === line)
    .sort((a, b) => Math.abs(a.card.offsetLeft - card.offsetLeft) - Math.abs(b.card.offsetLeft - card.offsetLeft))[0];
}

function columnsOf(card) {
  return getComputedStyle(card.querySelector(".tiles")).gridTemplateColumns.split(" ").length;
}
