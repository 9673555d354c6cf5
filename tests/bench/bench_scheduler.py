"""Cost of a large scheduler: polls of Slurm's commands, the page that is made of them, memory.

The commands are scripts that print what slurm_output.py has made up, so that their own time is not
counted: 2 % of the jobs and the load of each node differ between two polls.

`python -m tests.bench.bench_scheduler`; the flags are for a smaller or larger try.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.process import cost, resident_mib
from tests.bench.report import Figure, figures, progress
from tests.bench.slurm_output import SlurmOutput, slurm_output, turned
from tests.exporter.commands.exporter_process import Running, running

POLL_BUDGET_MS, MEMORY_BUDGET_MIB, PAGE_BUDGET_MS = 150.0, 80.0, 50.0
PAUSE_S = 0.05
DOCUMENT = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec: {{cluster: prod, interval: {interval}s, slurm: {{cli: {{path: "{folder}"}}}}{more}}}
"""
SINFO = """#!/bin/sh
case "$*" in *--version*) echo slurm 24.11.5;; *%D*) echo "{nodes}|{nodes}|";;
*) exec cat {folder}/sinfo.$(( $(date +%s) / {interval} % 2 ));; esac
"""
SQUEUE = """#!/bin/sh
exec cat {folder}/squeue.$(( $(date +%s) / {interval} % 2 ))
"""


def write(directory: Path, output: SlurmOutput, interval_s: int, more: str = "") -> Path:
    """Write the commands and the document; return the document. `more` are fields of its spec."""
    for number, printed in enumerate((output, turned(output))):
        (directory / f"sinfo.{number}").write_bytes(printed.sinfo)
        (directory / f"squeue.{number}").write_bytes(printed.squeue)
    for name, script in (("sinfo", SINFO), ("squeue", SQUEUE)):
        text = script.format(folder=directory, nodes=output.nodes, interval=interval_s)
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    document = directory / "scheduler.yaml"
    document.write_text(DOCUMENT.format(folder=directory, interval=interval_s, more=more))
    return document


def measure(output: SlurmOutput, polls: int, interval_s: int) -> list[Figure]:
    """Poll and scrape so often."""
    with tempfile.TemporaryDirectory() as name:
        document = write(Path(name), output, interval_s)
        listen = "--web.listen-address=127.0.0.1:0"
        with running("run", f"--config.file={document}", listen) as run:
            pid = run.process.pid
            before_mib, before = resident_mib(pid), cost(pid).cpu_s
            until_polled(run, 1)
            first_ms = 1000 * (cost(pid).cpu_s - before)
            poll_ms = processor_ms(run, polls, interval_s)
            idle = _loop_share(run, interval_s * max(1, polls // 4))
            began_s, unscraped = time.monotonic(), cost(pid)
            page, took_ms = _scrape(run, polls * interval_s)
            spent_s = (cost(pid) - unscraped).loop_s - idle * (time.monotonic() - began_s)
            series = sum(bool(line) and not line.startswith("#") for line in page.splitlines())
            scrapes = f"{len(took_ms)} scrapes of {series:,} series while polling"
            p99_ms = took_ms[min(len(took_ms) - 1, round(0.99 * len(took_ms)))]
            return [
                Figure("processor until the first answer", first_ms, "ms"),
                Figure(
                    "processor of a poll", poll_ms, "ms", POLL_BUDGET_MS,
                    note=f"{output.records:,} records",
                ),
                Figure("/metrics, p50", statistics.median(took_ms), "ms", note=scrapes),
                Figure("/metrics, p99", p99_ms, "ms", PAGE_BUDGET_MS),
                Figure("/metrics, the loop's processor for one", 1000 * spent_s / len(took_ms), "ms"),
                Figure(
                    "resident at its peak", resident_mib(pid, peak=True), "MiB", MEMORY_BUDGET_MIB,
                    note=f"{before_mib:.0f} MiB before the first poll",
                ),
            ]  # fmt: skip


def processor_ms(run: Running, polls: int, interval_s: int) -> float:
    """Return the processor time of a poll, the views of its answer included."""
    start, start_s = _polled(run), cost(run.process.pid).cpu_s
    while (done := _polled(run) - start) < polls:
        time.sleep(interval_s / 2)
    return 1000 * (cost(run.process.pid).cpu_s - start_s) / done


def _loop_share(run: Running, seconds: float) -> float:
    """Return the share of a core that the event loop takes between scrapes."""
    before = cost(run.process.pid)
    time.sleep(seconds)
    return (cost(run.process.pid) - before).loop_s / seconds


def _scrape(run: Running, seconds: float) -> tuple[str, list[float]]:
    """Scrape for so long; return the page, and what each scrape took, in order."""
    end_s, took_ms, page = time.monotonic() + seconds, [], ""
    while time.monotonic() < end_s:
        began_s = time.monotonic()
        page = run.get("/metrics")
        took_ms.append(1000 * (time.monotonic() - began_s))
        time.sleep(PAUSE_S)
    return page, sorted(took_ms)


def _polled(run: Running) -> int:
    (scheduler,) = json.loads(run.get("/status"))["schedulers"]
    return int(scheduler["reads"])


def until_polled(run: Running, reads: int) -> None:
    def is_polled(text: str) -> bool:  # not yet where the documents are not read
        return any(one["reads"] >= reads for one in json.loads(text)["schedulers"])

    run.until_served(is_polled, "/status")


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--tasks", type=int, default=50_000)
    parser.add_argument("--polls", type=int, default=20)
    parser.add_argument("--interval", type=int, default=2, help="seconds")
    arguments = parser.parse_args()
    progress(f"Slurm with {arguments.nodes} nodes and {arguments.tasks} tasks")
    output = slurm_output(arguments.nodes, arguments.tasks)
    result = measure(output, arguments.polls, arguments.interval)
    print(
        f"## Scheduler\n\nSlurm's commands, {output.nodes:,} nodes and {output.tasks:,} tasks, of "
        f"which 2 % of the records differ between two polls.\n\n{figures(result)}\n"
    )


if __name__ == "__main__":
    main()
