// Feed of the page: it polls the changes once a second, and pauses while the page is hidden.

const INTERVAL_MS = 1000;
const MAX_PAUSE_MS = 10_000;
const TIMEOUT_MS = 15_000;

/** Fetch JSON of the exporter; throws an Error with the reason. */
export async function fetched(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS), headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`it responds ${response.status} ${response.statusText}`);
  return response.json();
}

/**
 * Follow the exporter for as long as the page is open.
 *
 * `furnish(layout)` is called first and after each reload of the documents, `update(message)` with
 * each response, `fallSilent(error)` with each request that failed.
 */
export async function follow({ furnish, update, fallSilent }) {
  let [layout, revision, failures] = [null, 0, 0];
  for (;;) {
    await untilVisible();
    const path = layout === null ? "fleet/layout" : `fleet/readings?layout=${layout}&since=${revision}`;
    const response = await fetched(path).catch((error) => ({ error }));
    failures = response.error ? failures + 1 : 0;
    if (response.error) {
      fallSilent(response.error);
      await pause(Math.min(INTERVAL_MS * 2 ** failures, MAX_PAUSE_MS));
    } else if (layout === null) {
      [layout, revision] = [response.layout, 0];
      furnish(response);
    } else if (response.layout !== layout) {
      layout = null;
    } else {
      revision = response.revision;
      update(response);
      await pause(INTERVAL_MS);
    }
  }
}

/** Wait. */
export function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Wait until the page is seen: one in the background asks for nothing. */
export function untilVisible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
