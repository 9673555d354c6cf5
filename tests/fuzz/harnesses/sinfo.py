"""What sinfo prints: states of nodes that stand there, or a bad reply."""

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.sinfo import parse_states, parse_version
from rackwatt_exporter.schedulers.state import profile_state

_NOT_AT_REST = ("DOWN", "DRAIN", "FAIL", "ERROR", "ALLOC", "MIX", "COMPLETING")


def examine(data: bytes) -> None:
    """Read it as both of sinfo's outputs."""
    assert parse_version(data).isprintable()
    try:
        states = parse_states(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert str(error).isprintable()
        return
    lines = data.decode("utf-8", "replace").splitlines()
    for name, state in states.items():
        of_it = [line.upper().split("|") for line in lines if line.startswith(f"{name}|")]
        of_it = [words for words in of_it if len(words) == 4 and not words[3].strip()]
        of_it = [words for words in of_it if not any(map(str.isspace, "".join(words[:3])))]
        assert of_it
        assert state
        if profile_state(state) == "idle":
            # The last line of a node counts.
            said = of_it[-1][1] or of_it[-1][2]
            base = said.rstrip("*~#!%$@^-").partition("+")[0]
            assert not base.startswith(_NOT_AT_REST)
