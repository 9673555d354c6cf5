"""No scheduler: node states that a document gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection
from rackwatt_crds.hostlist import expand
from rackwatt_crds.model import Model
from rackwatt_crds.quoting import shown
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
class PinnedStates:
    """The node states of a document, and its problems: path and reason."""

    states: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def pinned_states(noop: Noop) -> PinnedStates:
    """Return the state of each node, and the problems of the lists."""
    result = PinnedStates()
    for index, group in enumerate(noop.states or () if noop.states is not UNREAD else ()):
        path = f"states[{index}].names"
        try:
            names = expand(group.names) if group.names is not UNREAD else []
        except ValueError as error:
            result.problems.append((path, str(error)))
            continue
        known = [result.states.setdefault(name, group.state) for name in names]
        for name, state in zip(names, known, strict=True):
            if UNREAD not in (state, group.state) and state != group.state:
                result.problems.append((path, f"node {shown(name)} already has the state {state}"))
                break
    return result


def label(_: Noop) -> str:
    """Return the label of the scheduler."""
    return "noop"


def connections(_: Noop) -> Iterator[Connection]:
    """Return no connection: the document has the states."""
    return iter(())


def problems(noop: Noop) -> Iterator[tuple[str, str]]:
    """Yield the problems of the states."""
    yield from pinned_states(noop).problems
