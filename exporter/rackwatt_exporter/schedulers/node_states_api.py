"""What one exporter serves another of a binding: both ends of it read the same here."""

from typing import Annotated

import msgspec

from rackwatt_exporter.schedulers.base import NodeStates

_Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class NodeStatesList(msgspec.Struct, frozen=True):
    """The body at `/schedulers/NAME/nodes`."""

    cluster: str
    version: str
    states: dict[_Name, _Word]


def path(binding: str) -> str:
    """Tell where a binding's listing is served."""
    return f"/schedulers/{binding}/nodes"


def written(cluster: str, answer: NodeStates) -> bytes:
    """Write what a scheduler answered; the same answer in the same bytes."""
    listing = NodeStatesList(cluster, answer.version, dict(answer.states))
    return msgspec.json.encode(listing, order="deterministic")


def read(body: bytes) -> NodeStatesList:
    """Read a listing.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.json.decode(body, type=NodeStatesList)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"what came is no list of node states: {error}") from None
