"""A target: one machine's power, measured at one endpoint, with nothing left to decide."""

from dataclasses import dataclass

from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL
from rackwatt_crds.duration import seconds
from rackwatt_exporter.config.options import Options


@dataclass(frozen=True, slots=True)
class Target:
    """All that a source, the polling and the page need to know of one target.

    `node` is its name and its key: no two targets share one. `credentials` names a secret;
    `scheduler` names the binding that knows the node's state.
    """

    node: str
    address: str
    method: str
    options: Options
    document: str
    type: str = "compute"
    rack: str = ""
    credentials: str | None = None
    scheduler: str | None = None
    interval_s: float = seconds(DEFAULT_INTERVAL)
    timeout_s: float = 10.0
    stale_after_s: float = 3 * seconds(DEFAULT_INTERVAL)
    retries: int = 2
    max_backoff_s: float = 300.0
    subnet_limit: int = 256
    credential_limit: int = 128
    max_watts: float = 1_000_000.0

    @property
    def key(self) -> str:
        """Its key: the node."""
        return self.node

    @property
    def access(self) -> tuple[object, ...]:
        """All that a source depends on: while it stays the same, so does the session."""
        return (
            self.method,
            self.address,
            self.options,
            self.credentials,
            self.timeout_s,
            self.retries,
            self.max_watts,
        )

    @property
    def reading_timeout_s(self) -> float:
        """Seconds a source may take: a little less than the deadline, whose reason is poorer."""
        return 0.9 * self.timeout_s

    @property
    def attempt_timeout_s(self) -> float:
        """Seconds to wait for one packet's answer before it is sent again."""
        return self.reading_timeout_s / (self.retries + 1)
