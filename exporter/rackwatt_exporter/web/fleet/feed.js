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
  let [layout, revision, failures] = [null, 0, 0];
  for (;;) {
    await untilSeen();
    const path = layout === null ? "fleet/layout" : `fleet/readings?layout=${layout}&since=${revision}`;
    const answer = await fetched(path).catch((error) => ({ error }));
    failures = answer.error ? failures + 1 : 0;
    if (answer.error) {
      fallSilent(answer.error);
      await pause(Math.min(PACE_MS * 2 ** failures, LONGEST_PAUSE_MS));
    } else if (layout === null) {
      [layout, revision] = [answer.layout, 0];
      furnish(answer);
    } else if (answer.layout !== layout) {
      layout = null;
    } else {
      revision = answer.revision;
      update(answer);
      await pause(PACE_MS);
    }
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function untilSeen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
