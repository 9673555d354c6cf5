"""No scheduler: the states of nodes that a document says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection
from rackwatt_crds.hostlist import expand
from rackwatt_crds.model import Model
from rackwatt_crds.unread import UNREAD


class PinnedState(Model, frozen=True, kw_only=True):
    """Nodes and their state."""

    names: Annotated[str, Meta(min_length=1, description="A host list.")]
    state: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z_]*\Z",
            description="The state, such as allocated, idle, drained or down.",
        ),
    ]


class Noop(Model, frozen=True, kw_only=True):
    """No scheduler: nodes have the states that are given here."""

    states: Annotated[
        Annotated[list[PinnedState], Meta(max_length=5_000)] | None,
        Meta(description="The states of nodes. Other nodes have no state."),
    ] = None


@dataclass(slots=True)
class Pinned:
    """The states of nodes that a document says, and what is wrong: path and reason."""

    states: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def pinned(noop: Noop) -> Pinned:
    """List the state of each node that is said to be in one."""
    found = Pinned()
    for index, group in enumerate(noop.states or () if noop.states is not UNREAD else ()):
        path = f"states[{index}].names"
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


def label(_: Noop) -> str:
    """Name it."""
    return "noop"


def connections(_: Noop) -> Iterator[Connection]:
    """Return nothing: the states are in the document."""
    return iter(())


def problems(noop: Noop) -> Iterator[tuple[str, str]]:
    """List what is wrong with the states."""
    yield from pinned(noop).problems
