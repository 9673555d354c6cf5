"""`rackwatt-operator run` as its users start it: a process of its own, against a real API server."""

import itertools
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.cluster.cluster import Cluster
from tests.cluster.daemon import Daemon

_LISTENS = re.compile(r"listens on \S+ port (\d+)")
_NUMBERS = itertools.count()


class Operating:
    """A running operator."""

    def __init__(
        self,
        cluster: Cluster,
        *flags: str,
        kubeconfig: Path | None = None,
        through: Sequence[str] = (),
    ) -> None:
        self.log = cluster.directory / f"operator-{next(_NUMBERS)}.log"
        self.daemon = Daemon(
            [
                *through, sys.executable, "-m", "rackwatt_operator", "run",
                f"--kubeconfig={kubeconfig or cluster.kubeconfig}",
                "--web.listen-address=127.0.0.1:0", *flags,
            ],
            self.log,
            dict(os.environ),
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.log.write_text("")
        self.daemon.start()
        self.until_logged("listens on")

    def until_ready(self) -> None:
        """Wait until it has listed everything."""
        self.daemon.wait_until(lambda: self.get("/readyz") == "ok\n", "/readyz")

    def until_logged(self, text: str) -> None:
        """Wait for words in its log."""
        self.daemon.wait_until(lambda: text in self.log.read_text(), f"{text!r} in the log")

    def get(self, path: str) -> str:
        """Get a page, whatever its status; nothing if it does not answer."""
        match = _LISTENS.search(self.log.read_text())
        assert match
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{match[1]}{path}", timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return str(error.read().decode())
        except OSError:
            return ""

    def metric(self, name: str, **labels: str) -> float:
        """Sum the samples of one name that have these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics"))
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def stop(self) -> None:
        """End it in order."""
        self.daemon.stop()

    def kill(self) -> None:
        """End it as a machine that loses its power."""
        self.daemon.stop(signal.SIGKILL)


@contextmanager
def operating(
    cluster: Cluster,
    *flags: str,
    kubeconfig: Path | None = None,
    ready: bool = True,
    through: Sequence[str] = (),
) -> Iterator[Operating]:
    """Run an operator while the block lasts, through a command if one is given.

    Its log must not have a traceback.
    """
    operator = Operating(cluster, *flags, kubeconfig=kubeconfig, through=through)
    operator.start()
    try:
        if ready:
            operator.until_ready()
        yield operator
    except BaseException:
        print(operator.log.read_text())
        raise
    finally:
        operator.stop()
    text = operator.log.read_text()
    assert "Traceback" not in text, text
