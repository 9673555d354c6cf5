"""What slurmrestd answers: states of nodes that stand there, or a bad reply."""

import json
from typing import Any

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state
from rackwatt_exporter.schedulers.slurm.rest_models import nodes_paths, reply

JSON = True
_NOT_AT_REST = {"down", "drain", "drained", "draining", "fail", "error", "allocated", "mixed"}


def examine(data: bytes) -> None:
    """Read it as an answer about nodes, and as a description of the interface."""
    _hold_path(data)
    try:
        read = reply(data)
        assert read.error_text.isprintable()
        assert read.updated_s is None or read.updated_s > 0
        snapshot = read.snapshot()
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    # What is not read may be spelt in any bytes at all.
    document = json.loads(data.decode("utf-8", "replace"))
    assert snapshot.nodes
    assert relay.decode(relay.encode(snapshot)) == snapshot
    for name, node in snapshot.nodes.items():
        nodes = [one for one in document["nodes"] if isinstance(one, dict)]
        of_it = [words for one in nodes if one.get("name") == name and (words := _words(one))]
        assert of_it
        assert power_exporter_state(node.state) != "idle" or any(
            not words & _NOT_AT_REST for words in of_it
        )


def _words(node: dict[str, Any]) -> set[str]:
    state, flags = node.get("state"), node.get("state_flags")
    words = [*([state] if isinstance(state, str) else state or ()), *(flags or ())]
    return {word.lower() for word in words if isinstance(word, str)}


def _hold_path(data: bytes) -> None:
    try:
        paths = nodes_paths(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        offered = json.loads(data.decode("utf-8", "replace"))["paths"]
        assert paths
        assert all(path in offered and path.startswith("/slurm/v0.0.") for path in paths)
