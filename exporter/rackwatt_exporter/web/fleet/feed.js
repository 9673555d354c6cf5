// How the page keeps up: it asks once a second for what is new, and not at all while nobody looks.

const PACE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;
const PATIENCE_MS = 15_000;

/** Fetch JSON of the exporter; throws an Error whose message says what is wrong. */
export async function fetched(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`it answers ${response.status} ${response.statusText}`);
  return response.json();
}

/**
 * Follow the exporter for as long as the page is open.
 *
 * `furnish(layout)` is called first and whenever the documents were read again, `update(message)`
 * with each answer, `fallSilent(error)` with each question that was not answered.
 */
export async function follow({ furnish, update, fallSilent }) {
  let layout = null;
  let revision = 0;
  let failures = 0;
  for (;;) {
    await untilSeen();
    let message;
    try {
      if (layout === null) {
        const furnished = await fetched("fleet/layout");
        [layout, revision] = [furnished.layout, 0];
        furnish(furnished);
      }
      message = await fetched(`fleet/readings?layout=${layout}&since=${revision}`);
      failures = 0;
    } catch (error) {
      fallSilent(error);
      failures += 1;
      await pause(Math.min(PACE_MS * 2 ** failures, LONGEST_PAUSE_MS));
      continue;
    }
    if (message.layout !== layout) {
      layout = null;
      continue;
    }
    revision = message.revision;
    update(message);
    await pause(PACE_MS);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function untilSeen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
