"""Cost of a large cluster over REST: polls of slurmrestd 24.11, whose answer has every core.

The answer is read from a file by a process of its own, so that its time is not counted. Beside it is
what it takes to parse the same answer as a whole, without making a job of it.
"""

import argparse
import http.server
import json
import multiprocessing
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from tests.bench.process import cost, resident_mib
from tests.bench.report import Figure, figures, progress
from tests.bench.slurm_rest_answer import write_jobs, write_nodes
from tests.exporter.commands.exporter_process import Running, running

POLL_BUDGET_MS, MEMORY_BUDGET_MIB = 1500.0, 150.0
VERSION = "v0.0.42"
DOCUMENT = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  cluster: prod
  interval: {interval}s
  slurm: {{rest: {{url: "http://127.0.0.1:{port}", tokenSecretRef: {{name: slurm, key: token}}}}}}
"""


def measure(directory: Path, polls: int, interval_s: int) -> list[Figure]:
    """Poll so often."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(directory, theirs), daemon=True)
    server.start()
    document = directory / "scheduler.yaml"
    document.write_text(DOCUMENT.format(port=ours.recv(), interval=interval_s))
    (directory / "secrets" / "slurm").mkdir(parents=True)
    (directory / "secrets" / "slurm" / "token").write_text("a.b.c")
    try:
        with running(
            "run", f"--config.file={document}", f"--secrets.directory={directory}/secrets",
            "--web.listen-address=127.0.0.1:0",
        ) as run:  # fmt: skip
            _until_polled(run, 1)
            began, before_s = _reads(run), cost(run.process.pid).cpu_s
            while (done := _reads(run) - began) < polls:
                time.sleep(interval_s / 2)
            poll_ms = 1000 * (cost(run.process.pid).cpu_s - before_s) / done
            peak_mib = resident_mib(run.process.pid, peak=True)
    finally:
        server.terminate()
        server.join()
    return [
        Figure("processor of a poll", poll_ms, "ms", POLL_BUDGET_MS, note=f"{done} polls"),
        Figure("resident at its peak", peak_mib, "MiB", MEMORY_BUDGET_MIB),
    ]


def whole(path: Path) -> list[Figure]:
    """Parse the answer as a whole, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_parse, args=(path, theirs))
    process.start()
    spent_s, peak_mib = ours.recv()
    process.join()
    return [
        Figure("processor to parse it as a whole, Python's json", 1000 * spent_s, "ms"),
        Figure("resident at its peak, so", peak_mib, "MiB"),
    ]


def _parse(path: Path, pipe: Connection) -> None:
    began_s = time.process_time()
    jobs = json.loads(path.read_bytes())["jobs"]
    assert jobs
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send((time.process_time() - began_s, peak_mib))


def _serve(directory: Path, pipe: Connection) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.partition("?")[0].strip("/").rpartition("/")[2]
            path = directory / f"{name}.json"
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            with path.open("rb") as file:
                while chunk := file.read(2**16):
                    self.wfile.write(chunk)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    paths: dict[str, object] = {f"/slurm/{VERSION}/nodes/": {}, f"/slurm/{VERSION}/jobs/": {}}
    (directory / "v3.json").write_text(json.dumps({"paths": paths}))
    pipe.send(server.server_address[1])
    server.serve_forever()


def _reads(run: Running) -> int:
    (scheduler,) = json.loads(run.get("/status"))["schedulers"]
    assert scheduler["jobs"], scheduler
    return int(scheduler["reads"])


def _until_polled(run: Running, reads: int) -> None:
    run.until_served(lambda text: json.loads(text)["schedulers"][0]["reads"] >= reads, "/status")


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--polls", type=int, default=5)
    parser.add_argument("--interval", type=int, default=15, help="seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        progress(f"slurmrestd with {arguments.nodes} nodes and {arguments.jobs} jobs")
        size = write_jobs(directory / "jobs.json", arguments.jobs)
        write_nodes(directory / "nodes.json", arguments.nodes)
        result = measure(directory, arguments.polls, arguments.interval)
        result += whole(directory / "jobs.json")
    print(
        f"## Scheduler over REST\n\nslurmrestd 24.11 with {arguments.nodes:,} nodes and "
        f"{arguments.jobs:,} records of jobs: an answer of {size / 1e6:.0f} MB.\n\n"
        f"{figures(result)}\n"
    )


if __name__ == "__main__":
    main()
