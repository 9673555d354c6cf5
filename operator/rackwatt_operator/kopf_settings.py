"""Settings of kopf: it only delivers watch events.

No handler with state is used, so kopf never writes to a user's object: no finalizer, no annotation.
The storages here ensure that, and save the copies that it would make of every object.
"""

import random
from collections.abc import Iterator
from typing import Any

import kopf

from rackwatt_operator.kube.constants import MANAGER
from rackwatt_operator.kube.relist import LABELLED, OWN_SELECTOR

_REQUEST_S = 30.0
_CONNECT_S = 10.0
_WORKER_IDLE_S = 0.1
_EXIT_S = 1.0
_BACKOFFS_S = (0.2, 0.5, 1, 2, 3, 5)


def settings() -> kopf.OperatorSettings:
    """Build the settings of one run."""
    built = kopf.OperatorSettings()
    built.posting.enabled = False  # the operator creates events, on transitions
    built.scanning.disabled = True  # the kinds are given: no scan of CRDs and namespaces
    built.peering.standalone = True  # leader election is done with a Lease
    built.process.ultimate_exiting_timeout = (
        None  # its timer outlives the run, and would end the next one
    )
    built.networking.request_timeout = _REQUEST_S
    built.networking.connect_timeout = _CONNECT_S
    built.networking.error_backoffs = _Backoffs()
    built.watching.connect_timeout = _CONNECT_S
    built.watching.reconnect_backoff = 0.1
    built.queueing.idle_timeout = _WORKER_IDLE_S  # the lifetime of an object's idle task
    built.queueing.exit_timeout = _EXIT_S
    built.persistence.diffbase_storage = _NoDiffBase()
    built.persistence.progress_storage = _NoProgress()
    built.persistence.finalizer = f"rackwatt.dev/{MANAGER}"
    for kind in LABELLED:
        built.watching.label_selectors[kind.group, kind.version, kind.plural] = OWN_SELECTOR
    return built


class _Backoffs:
    """Endless back-off: an unreachable server comes back."""

    def __iter__(self) -> Iterator[float]:
        yield from _BACKOFFS_S
        while True:
            yield _BACKOFFS_S[-1] * random.uniform(1, 2)  # noqa: S311 - not a secret


class _NoDiffBase(kopf.DiffBaseStorage):
    """Stores no former state of an object."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        """Return none."""

    def store(self, **_: Any) -> None:
        """Store none."""


class _NoProgress(kopf.ProgressStorage):
    """Stores no progress of handlers."""

    def fetch(self, **_: Any) -> None:
        """Return none."""

    def store(self, **_: Any) -> None:
        """Store none."""

    def purge(self, **_: Any) -> None:
        """Purge nothing."""

    def touch(self, **_: Any) -> None:
        """Change no object."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return it unchanged."""
        return essence
