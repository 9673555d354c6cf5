"""Resolved configuration of a target: a machine's power, measured at one endpoint."""

from dataclasses import dataclass

from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL, DEFAULT_TYPE
from rackwatt_crds.duration import seconds
from rackwatt_exporter.config.options import Options


@dataclass(frozen=True, slots=True)
class Target:
    """Configuration of a target.

    `node` is its name and unique key. `credentials` names a Secret, `scheduler` the
    SchedulerBinding that reports the node's state.
    """

    node: str
    address: str
    method: str
    options: Options
    document: str
    type: str = DEFAULT_TYPE
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
        """The key: the node."""
        return self.node

    @property
    def connection_key(self) -> tuple[object, ...]:
        """All that a session depends on; while it is equal, the session is kept."""
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
        """Timeout of a reading, shorter than the deadline so that the more precise reason wins."""
        return 0.9 * self.timeout_s

    @property
    def attempt_timeout_s(self) -> float:
        """Seconds to wait for a response before a packet is sent again."""
        return self.reading_timeout_s / (self.retries + 1)
