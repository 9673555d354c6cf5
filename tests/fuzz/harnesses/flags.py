"""The command line: arguments, a line for each, that mean what they say, or what is wrong."""

import contextlib
import io

from rackwatt_exporter.__main__ import parser
from rackwatt_exporter.config.shard import WHOLE, jump_hash
from rackwatt_exporter.simulator.fleet import MAX_NODES

_PARSER = parser()


def examine(data: bytes) -> None:
    """Read any arguments; `--help` ends well, everything else with a word of why."""
    words = data.decode("utf-8", "replace").split("\n")
    message = io.StringIO()
    try:
        with contextlib.redirect_stderr(message), contextlib.redirect_stdout(message):
            found = _PARSER.parse_args(words)
    except SystemExit as end:
        assert end.code in (0, 2)
        assert message.getvalue()
        return
    shard = getattr(found, "shard", WHOLE)
    assert 1 <= shard.number <= shard.count
    assert 0 <= jump_hash(words[0], shard.count) < shard.count
    assert 0 <= getattr(found, "listen_address", ("", 0))[1] <= 65535
    assert getattr(found, "telemetry_path", "/").startswith("/")
    if words[0] == "simulate":
        assert 1 <= found.nodes <= MAX_NODES
