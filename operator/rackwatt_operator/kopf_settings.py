"""How kopf is run: as a reader of events, and nothing else.

None of its handlers that keep state is used, so it never writes to a user's object: no finalizer,
no annotation. The storages here hold that, and save the copies it would make of every object.
"""

import random
from collections.abc import Iterator
from typing import Any

import kopf

from rackwatt_operator.kube.constants import MANAGER
from rackwatt_operator.kube.relist import LABELLED, OWN

_REQUEST_S = 30.0
_CONNECT_S = 10.0
_WORKER_IDLE_S = 0.1
_EXIT_S = 1.0
_BACKOFFS_S = (0.2, 0.5, 1, 2, 3, 5)


def settings() -> kopf.OperatorSettings:
    """Make the settings of one run."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False  # events are ours to post, on transitions
    made.scanning.disabled = True  # the kinds are given; CRDs and namespaces are not looked at
    made.peering.standalone = True  # a stray peering object would pause us; we have a Lease
    made.process.ultimate_exiting_timeout = None  # it outlives the run, and would kill the next
    made.networking.request_timeout = _REQUEST_S
    made.networking.connect_timeout = _CONNECT_S
    made.networking.error_backoffs = _Backoffs()
    made.watching.connect_timeout = _CONNECT_S
    made.watching.reconnect_backoff = 0.1
    made.queueing.idle_timeout = _WORKER_IDLE_S  # each object has a task for that long
    made.queueing.exit_timeout = _EXIT_S
    made.persistence.diffbase_storage = _NoDiffBase()
    made.persistence.progress_storage = _NoProgress()
    made.persistence.finalizer = f"rackwatt.dev/{MANAGER}"
    for kind in LABELLED:
        made.watching.label_selectors[kind.group, kind.version, kind.plural] = OWN
    return made


class _Backoffs:
    """Waits between tries that never end: a server that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        yield from _BACKOFFS_S
        while True:
            yield _BACKOFFS_S[-1] * random.uniform(1, 2)  # noqa: S311 - not a secret


class _NoDiffBase(kopf.DiffBaseStorage):
    """Remembers no former state of an object."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Compare nothing."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        """Know of no former state."""

    def store(self, **_: Any) -> None:
        """Keep none."""


class _NoProgress(kopf.ProgressStorage):
    """Remembers no handler's progress."""

    def fetch(self, **_: Any) -> None:
        """Know of none."""

    def store(self, **_: Any) -> None:
        """Keep none."""

    def purge(self, **_: Any) -> None:
        """Have nothing to purge."""

    def touch(self, **_: Any) -> None:
        """Touch no object."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Have nothing to leave out."""
        return essence
