"""Host lists: names that mean themselves when they are written out, or what is wrong."""

from rackwatt_crds.hostlist import MAX_NAME_LENGTH, MAX_NAMES, expand

_WRITTEN_OUT = 2000


def examine(data: bytes) -> None:
    """Expand any text."""
    try:
        names = expand(data.decode("utf-8", "replace"))
    except ValueError as error:
        assert str(error)
        return
    assert 0 < len(names) <= MAX_NAMES
    assert all(0 < len(name) <= MAX_NAME_LENGTH for name in names)
    if len(names) <= _WRITTEN_OUT:
        assert expand(",".join(names)) == names
