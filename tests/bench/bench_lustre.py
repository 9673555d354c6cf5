"""Cost of the I/O on Lustre of a large cluster: what a poll takes beside that of the scheduler.

Prometheus is a server of this process that gives the answers of lustre_answers.py, and Slurm's
commands are those of bench_scheduler.py. The exporter runs with `lustre` and without: the
difference is what the join costs. The sums of its page are held beside those that were made up.

`python -m tests.bench.bench_lustre`; the flags are for a smaller or larger try.
"""

import argparse
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from rackwatt_exporter.lustre.queries import Measure, expression
from rackwatt_exporter.schedulers.slurm.squeue_output import parse_jobs
from tests.bench.bench_scheduler import processor_ms, until_polled, write
from tests.bench.lustre_answers import LustreAnswers, lustre_answers
from tests.bench.process import resident_mib
from tests.bench.report import Figure, figures, progress
from tests.bench.slurm_output import SlurmOutput, slurm_output
from tests.exporter.commands.exporter_process import Running, running

BUDGET_MS = 200.0
THEIR_MS = 870.0  # prometheus-cluster-exporter, 2,000 jobs and 20 storage targets
FAMILIES = {
    Measure.METADATA: "metadata_operations",
    Measure.READ: "read_throughput_bytes",
    Measure.WRITE: "write_throughput_bytes",
}
UNMATCHED = {
    Measure.METADATA: "metadata_operations_per_second",
    Measure.READ: "read_bytes_per_second",
    Measure.WRITE: "write_bytes_per_second",
}


@contextmanager
def answering(answers: LustreAnswers) -> Iterator[str]:
    """Serve the answers; return the URL."""
    bodies = {expression(measure, "1m"): body for measure, body in answers.bodies.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            (query,) = parse_qs(urlsplit(self.path).query)["query"]
            body = bodies[query]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore the kept connection of an exporter that has ended."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def measure(
    output: SlurmOutput, jobs: int, polls: int, interval_s: int, alone_ms: float
) -> list[Figure]:
    """Poll with the I/O of so many jobs; `alone_ms` is what a poll of the scheduler alone takes."""
    listed = parse_jobs(output.squeue, {}).by_line.values()
    numbers = [job.number or job.id for job in listed if job.state == "running"][:jobs]
    answers = lustre_answers(numbers)
    with answering(answers) as url:
        poll_ms, page, peak_mib = _run(output, polls, interval_s, lustre(url))
    wrong = sum(
        abs(_total(page, f"cluster_{label}_{FAMILIES[measure]}") - answers.sums[kind][measure]) > 0
        for kind, label in (("job", "job"), ("process", "proc"))
        for measure in Measure
    ) + sum(
        abs(_total(page, f"rackwatt_lustre_unmatched_{UNMATCHED[measure]}")
            - answers.sums["unmatched"][measure]) > 0
        for measure in Measure
    )  # fmt: skip
    count = len(numbers)
    theirs = f"; prometheus-cluster-exporter: {THEIR_MS:.0f} ms" if count == 2_000 else ""
    return [
        Figure(
            f"processor of a poll, {count:,} jobs", poll_ms - alone_ms, "ms",
            BUDGET_MS if count == 2_000 else None,
            note=f"{answers.samples:,} samples and {output.records:,} records of squeue{theirs}",
        ),
        Figure(f"sums that are not exact, {count:,} jobs", wrong, "", 0, note="of 9"),
        Figure(f"resident at its peak, {count:,} jobs", peak_mib, "MiB"),
    ]  # fmt: skip


def lustre(url: str) -> str:
    """Return the field of the document."""
    return f', lustre: {{prometheusURL: "{url}"}}'


def _run(
    output: SlurmOutput, polls: int, interval_s: int, more: str = ""
) -> tuple[float, str, float]:
    """Run the exporter; return the processor time of a poll, its page and its peak memory."""
    with tempfile.TemporaryDirectory() as name:
        document = write(Path(name), output, interval_s, more)
        listen = "--web.listen-address=127.0.0.1:0"
        with running("run", f"--config.file={document}", listen) as run:
            until_polled(run, 2)
            if more:
                _until_joined(run)
            poll_ms = processor_ms(run, polls, interval_s)
            return poll_ms, run.get("/metrics"), resident_mib(run.process.pid, peak=True)


def _until_joined(run: Running) -> None:
    run.until_served(lambda text: "\nrackwatt_lustre_unread_samples" in text, "/metrics")


def _total(page: str, family: str) -> float:
    return sum(map(float, re.findall(rf"^{family}\{{.*\}} (\S+)$", page, re.MULTILINE)))


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, nargs="+", default=[2_000, 8_000])
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--tasks", type=int, default=50_000)
    parser.add_argument("--polls", type=int, default=15)
    parser.add_argument("--interval", type=int, default=2, help="seconds")
    arguments = parser.parse_args()
    output = slurm_output(arguments.nodes, arguments.tasks)
    polls, interval_s = arguments.polls, arguments.interval
    progress("Slurm alone")
    alone_ms, *_ = _run(output, polls, interval_s)
    rows = [Figure("processor of a poll of the scheduler alone", alone_ms, "ms")]
    for jobs in arguments.jobs:
        progress(f"Lustre with {jobs} jobs")
        rows += measure(output, jobs, polls, interval_s, alone_ms)
    print(
        "## Lustre\n\nThe I/O of jobs on 20 storage targets and 4 metadata targets, of a quarter as "
        "many processes, and of job ids that match neither; beside a poll of the scheduler.\n\n"
        f"{figures(rows)}\n"
    )


if __name__ == "__main__":
    main()
