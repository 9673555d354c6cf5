"""The accounting logs of PBS: one file a day, one line for each event.

A line is `date time;record;id;key=value …` (PBS Professional Reference Guide, "Accounting Log"). E
is the end of a run, R that a job was requeued: both have its start and end as Unix times, so that
the zone of the dates does not matter. A value with blanks is in quotes. Users choose names and
accounts: of a key that is there twice the user's own is the first, and the times are the last.
"""

import re
from collections.abc import Iterator
from typing import Any

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.pbs.unit import ended_state, is_array, make_unit
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.pbs.values import time_s

END = "rackwatt: end of the accounting logs"
_LINE = re.compile(r"[0-9/]{10} [0-9:]{8};([ER]);([^;]+);(.*)\Z")
_PAIR = re.compile(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)')
_FIRST = frozenset({"user", "group"})  # written before what users choose
_GROUPS = frozenset({"Resource_List", "resources_used"})
_REQUEUED = "requeued"


def script(first: str, last: str) -> tuple[str, ...]:
    """Return the command that prints the ends of runs of the days between two, such as 20261130.

    pbs.conf says where PBS has its files. A directory that is not there is an error; a day without
    a file has no event.
    """
    text = f"""
set -e
conf=${{PBS_CONF_FILE:-/etc/pbs.conf}}
[ ! -r "$conf" ] || . "$conf"
logs=${{PBS_HOME:-/var/spool/pbs}}/server_priv/accounting
[ -d "$logs" ] || logs=/var/spool/torque/server_priv/accounting
cd "$logs"
for day in *; do
  case $day in *[!0-9]*) continue;; esac
  if [ "$day" -ge "$1" ] && [ "$day" -le "$2" ]; then
    LC_ALL=C grep -a '^[^;]*;[ER];' "./$day" || [ $? = 1 ]
  fi
done
echo '{END}'
"""
    return "sh", "-c", text, "sh", first, last


def parse_logs(output: bytes) -> list[Unit]:
    """Read the ends of runs; those of arrays, which their tasks have, are left out.

    Raises:
        ReadError: bad_reply where the output is cut, or a line is none of an accounting log.
    """
    text = output.decode("utf-8", "backslashreplace")
    if not text.endswith(f"{END}\n") or text.removesuffix(f"{END}\n")[-1:] not in ("", "\n"):
        raise ReadError(Reason.BAD_REPLY, "the output of PBS's accounting logs was cut")
    return [unit for line in text.split("\n")[:-2] if (unit := _unit(line)) is not None]


def _unit(line: str) -> Unit | None:
    found = _LINE.match(line)
    attributes = dict(_attributes(found[3])) if found else {}
    if found is None or "user" not in attributes:
        message = f"not a line of PBS's accounting log: {quoted(line, 80)}"
        raise ReadError(Reason.BAD_REPLY, message)
    kind, job_id, _ = found.groups()
    started_at_s, ended_at_s = time_s(attributes.get("start")), time_s(attributes.get("end"))
    if is_array(job_id) or started_at_s is None or ended_at_s is None:
        return None
    state = _REQUEUED if kind == "R" else ended_state(attributes)
    return make_unit(job_id, attributes, started_at_s, ended_at_s, state)


def _attributes(message: str) -> Iterator[tuple[str, Any]]:
    """Yield attributes as qstat's JSON has them, with resources as groups."""
    pairs: dict[str, str] = {}
    for key, value in _PAIR.findall(message):
        if key not in _FIRST or key not in pairs:
            pairs[key] = value[1:-1] if value[:1] == '"' and len(value) > 1 else value
    groups: dict[str, dict[str, str]] = {}
    for key, value in pairs.items():
        group, dot, name = key.partition(".")
        if dot and group in _GROUPS:
            groups.setdefault(group, {})[name] = value
        else:
            yield key, value
    yield from groups.items()
