"""What the text of a SchedulerBinding means: states pinned to nodes, URLs of services.

The exporter and the operator judge them alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from rackwatt_crds.hostlist import expand
from rackwatt_crds.schedulerbinding import Noop, SchedulerBindingSpec
from rackwatt_crds.unread import UNREAD


def service(url: str) -> SplitResult:
    """Read a URL that paths can be put behind.

    Raises:
        ValueError: it is the URL of no service, or has credentials in it, which are not repeated.
    """
    if "@" in url:
        raise ValueError(
            "a URL must not hold a user name or a password: credentials belong into a Secret"
        )
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        whole = False
    if not whole:
        raise ValueError(f"{url!r} is not the URL of a service")
    return parts


def services(spec: SchedulerBindingSpec) -> Iterator[tuple[str, str]]:
    """List the URLs of a binding that lead over a network and could be read, each with its path."""
    rest = getattr(spec.slurm, "rest", None)
    for path, place in (("spec.slurm.rest.url", rest), ("spec.exporter.url", spec.exporter)):
        if place is None or place is UNREAD or place.url is UNREAD:
            continue
        if not place.url.startswith("unix:"):
            yield path, place.url


@dataclass(slots=True)
class Pinned:
    """The states of nodes that a document says, and what is wrong: path and reason."""

    states: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def pinned(noop: Noop) -> Pinned:
    """List the state of each node that is said to be in one."""
    found = Pinned()
    for index, group in enumerate(noop.states or () if noop.states is not UNREAD else ()):
        path = f"spec.noop.states[{index}].names"
        try:
            names = expand(group.names) if group.names is not UNREAD else []
        except ValueError as error:
            found.problems.append((path, str(error)))
            continue
        known = [found.states.setdefault(name, group.state) for name in names]
        for name, state in zip(names, known, strict=True):
            if UNREAD not in (state, group.state) and state != group.state:
                found.problems.append((path, f"node {name!r} is said to be {state} already"))
                break
    return found
