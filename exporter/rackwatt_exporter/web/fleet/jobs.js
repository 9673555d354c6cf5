// Jobs of a node, in its details: how many and whose, then the largest of them.

import { element } from "./element.js";
import { duration, grouped, memory } from "./words.js";

const NO_BREAK = "\u00a0";

/** Build what the details say of a node's jobs; nothing for a target without a scheduler. */
export function jobsOf(jobs) {
  if (!jobs) return [];
  const title = element("h3", { id: "jobs-title" }, "Jobs");
  if (jobs.unknown !== undefined) return [title, element("p", { class: "unknown" }, `Not known: ${jobs.unknown}.`)];
  if (jobs.count === 0) return [title, element("p", {}, "None holds this node.")];
  const left = jobs.count - jobs.first.length;
  const more = left ? [element("p", { class: "more" }, `and ${grouped(left)} more`)] : [];
  return [title, element("p", {}, whose(jobs)), element("ul", {}, ...jobs.first.map(row)), ...more];
}

/** "3 jobs: 2 of alice, 1 of bob". */
function whose({ count, users, first_users }) {
  const named = first_users.map(([user, jobs]) => `${grouped(jobs)} of ${user || "a user who is not known"}`);
  const others = users - first_users.length;
  if (others) named.push(`and of ${grouped(others)} more ${others === 1 ? "user" : "users"}`);
  return `${grouped(count)} ${count === 1 ? "job" : "jobs"}: ${named.join(", ")}`;
}

function row(job) {
  const owner = [job.user, job.account].filter(Boolean).join(" / ");
  const facts = [owner, job.partition, job.state === "running" ? "" : job.state, held(job)].filter(Boolean);
  const since = job.running_s === null ? "" : duration(job.running_s);
  const head = element("p", { class: "job" }, element("span", { class: "name" }, job.id), element("span", { class: "since" }, since));
  return element("li", {}, head, element("p", { class: "facts" }, facts.join(" · ")));
}

/** "8 CPUs, 32 GiB, 2 GPUs": of this node, or of all its nodes where only that is known. */
function held({ cpus, memory_bytes, gpus, nodes }) {
  const amounts = [
    cpus === null ? "" : `${grouped(cpus, Number.isInteger(cpus) ? 0 : 1)} ${cpus === 1 ? "CPU" : "CPUs"}`,
    memory_bytes === null ? "" : memory(memory_bytes),
    gpus ? `${grouped(gpus)} ${gpus === 1 ? "GPU" : "GPUs"}` : "",
  ].filter(Boolean).map((amount) => amount.replace(" ", NO_BREAK));
  if (!amounts.length) return "";
  return nodes > 1 ? `${amounts.join(", ")} on ${grouped(nodes)} nodes` : amounts.join(", ");
}
