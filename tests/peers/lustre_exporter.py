"""The job statistics of a Lustre, as lustre_exporter serves them: counters that grow at known rates.

No Lustre can be had without its kernel modules. The families and labels are those of HPE's and
GSI's lustre_exporter. Each sample has its own time, so that a rate of Prometheus is the very rate
that was set, whenever it scrapes.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

READ, WRITE = "lustre_job_read_bytes_total", "lustre_job_write_bytes_total"
OPERATIONS = "lustre_job_stats_total"
_HEADERS = {
    READ: "The total number of bytes that have been read.",
    WRITE: "The total number of bytes that have been written.",
    OPERATIONS: "Number of operations the filesystem has performed.",
}


class Counter(NamedTuple):
    """A counter's family and labels."""

    family: str
    labels: tuple[tuple[str, str], ...]

    @classmethod
    def of_storage(cls, family: str, jobid: str, target: str) -> "Counter":
        """Return a counter of bytes of a storage target."""
        return cls(family, (("component", "ost"), ("jobid", jobid), ("target", target)))

    @classmethod
    def of_metadata(cls, jobid: str, target: str, operation: str) -> "Counter":
        """Return a counter of operations of a target."""
        component = "mdt" if "-MDT" in target else "ost"
        pairs = {"component": component, "jobid": jobid, "operation": operation, "target": target}
        return cls(OPERATIONS, tuple(pairs.items()))


class LustreExporter:
    """The counters, and the rate of each per second."""

    def __init__(self, rates: Mapping[Counter, float]) -> None:
        self._lock = threading.Lock()
        self._rates: dict[Counter, float] = {}
        self._values: dict[Counter, float] = {}
        self._at_ms = 0
        self.url = ""
        self.set(rates)

    def set(self, rates: Mapping[Counter, float]) -> None:
        """Have these counters from now on, and no other; those that stay continue."""
        with self._lock:
            self._advance()
            self._values = {counter: self._values.get(counter, 0.0) for counter in rates}
            self._rates = dict(rates)

    def text(self) -> str:
        """Write the page."""
        with self._lock:
            self._advance()
            return "".join(self._lines())

    def _advance(self) -> None:
        # The clock of Prometheus, whatever the loop of a test makes of time.time.
        now_ms = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000
        for counter, rate in self._rates.items():
            self._values[counter] += rate * (now_ms - self._at_ms) / 1000
        self._at_ms = now_ms

    def _lines(self) -> Iterator[str]:
        for family, words in _HEADERS.items():
            yield f"# HELP {family} {words}\n# TYPE {family} counter\n"
            for counter, value in self._values.items():
                if counter.family == family:
                    labels = ",".join(
                        '{}="{}"'.format(name, text.replace("\\", "\\\\").replace('"', '\\"'))
                        for name, text in counter.labels
                    )
                    yield f"{family}{{{labels}}} {value!r} {self._at_ms}\n"


@contextmanager
def lustre_exporter(rates: Mapping[Counter, float]) -> Iterator[LustreExporter]:
    """Serve counters on loopback, until it is left."""
    exporter = LustreExporter(rates)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exporter.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Ignore a Prometheus that ends while it scrapes."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        exporter.url = f"127.0.0.1:{server.server_port}"
        try:
            yield exporter
        finally:
            server.shutdown()
            thread.join()


def scraping(exporter: LustreExporter) -> dict[str, object]:
    """Return the configuration of a Prometheus that scrapes it each second."""
    job = {"job_name": "lustre", "static_configs": [{"targets": [exporter.url]}]}
    return {"scrape_configs": [job | {"scrape_interval": "1s", "scrape_timeout": "1s"}]}
