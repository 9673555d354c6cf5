"""The energy counter of a GPU of AMD, in the file `gpu_metrics` of its driver.

It is a table in the memory order of the machine, with a header of its size and version
(drivers/gpu/drm/amd/include/kgd_pp_interface.h). The counter has units of 2^-16 J, and counts from
the load of the driver. A field that the firmware does not have is all ones, one that the board does
not count is 0.
"""

import struct

MAX_BYTES = 4096
_HEADER = struct.Struct("=HBB")
_COUNTER = struct.Struct("=Q")
_UNITS_PER_JOULE = 1 << 16
# Where the counter is in tables of format 1, by their content. Those of APUs have another format.
_OFFSETS = {1: 24, 2: 24, 3: 24, 4: 24, 5: 88, 6: 16, 7: 24}


def joules(table: bytes) -> float | None:
    """Return the counter; None where a table has none, or one of a version that is not known."""
    if len(table) < _HEADER.size:
        return None
    size, table_format, content = _HEADER.unpack_from(table)
    offset = _OFFSETS.get(content)
    if table_format != 1 or offset is None or size > len(table):
        return None
    if offset + _COUNTER.size > size:
        return None
    (counter,) = _COUNTER.unpack_from(table, offset)
    return None if counter in (0, 2**64 - 1) else counter / _UNITS_PER_JOULE
