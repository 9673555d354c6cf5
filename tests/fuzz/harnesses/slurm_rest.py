"""What slurmrestd answers: states of nodes that stand there, or a bad reply."""

import json
from typing import Any

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm_reply import nodes_path, reply
from rackwatt_exporter.schedulers.state import profile_state

JSON = True
_NOT_AT_REST = {"down", "drain", "drained", "draining", "fail", "error", "allocated", "mixed"}


def examine(data: bytes) -> None:
    """Read it as an answer about nodes, and as a description of the interface."""
    _hold_path(data)
    try:
        read = reply(data)
        assert read.told.isprintable()
        assert read.updated_s is None or read.updated_s > 0
        states = read.states().states
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    # What is not read may be spelt in any bytes at all.
    document = json.loads(data.decode("utf-8", "replace"))
    said = {node["name"]: node for node in document["nodes"] if node["state"]}
    assert states
    for name, state in states.items():
        assert state
        words = {word.lower() for word in _words(said[name])}
        assert profile_state(state) != "idle" or not words & _NOT_AT_REST


def _words(node: dict[str, Any]) -> list[str]:
    state = node["state"]
    return [*([state] if isinstance(state, str) else state), *(node.get("state_flags") or ())]


def _hold_path(data: bytes) -> None:
    try:
        path = nodes_path(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert path in json.loads(data.decode("utf-8", "replace"))["paths"]
        assert path.startswith("/slurm/v0.0.")
