"""What the text of a SchedulerBinding means: states pinned to nodes, URLs of services.

The exporter and the operator judge them alike.
"""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from rackwatt_crds.hostlist import expand
from rackwatt_crds.schedulerbinding import Noop, SchedulerBindingSpec


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
    """List the URLs of a binding that lead over a network, each behind its path."""
    rest = spec.slurm.rest if spec.slurm is not None else None
    if rest is not None and not rest.url.startswith("unix:"):
        yield "spec.slurm.rest.url", rest.url
    if spec.exporter is not None:
        yield "spec.exporter.url", spec.exporter.url


def pinned(noop: Noop) -> dict[str, str]:
    """Tell the state of each node that is said to be in one.

    Raises:
        ValueError: a host list that means nothing, or a node in two states; with the path.
    """
    states: dict[str, str] = {}
    for place, group in enumerate(noop.states or ()):
        path = f"spec.noop.states[{place}].names"
        try:
            names = expand(group.names)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        for name in names:
            if states.setdefault(name, group.state) != group.state:
                raise ValueError(f"{path}: node {name!r} is said to be {states[name]} already")
    return states
