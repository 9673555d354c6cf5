"""The line `CLUSTER: name` that Slurm's commands print before the answer of a named cluster."""

import re
from collections import Counter

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.errors import ANOTHER_CLUSTER

HEADER = "CLUSTER: "
_CLUSTER = re.compile(rf"^(.*){HEADER}([^\s|]+)[ \t\r]*$", re.MULTILINE)
_MAX_SHOWN = 80


def check_cluster(command: str, text: str, cluster: str | None, version: str) -> None:
    """Check that the output of a command is that of `cluster`; None is its own, without a name.

    `version` is what was printed for `sinfo --version`, where Slurm itself names no cluster.

    Raises:
        ReadError: bad_reply, with the clusters that answer.
    """
    if HEADER not in text:
        return
    answering = _clusters(text, version)
    if not answering - {cluster}:
        return
    names = " and ".join(printable(name, _MAX_SHOWN) for name in sorted(answering))
    if cluster is None:
        hint = "no field says that this one is meant: name it in slurm.cluster"
    else:
        hint = f"slurm.cluster is {cluster}"
    message = f"{command} answers for another cluster, {names}: {hint}"
    raise ReadError(Reason.BAD_REPLY, message, remedy=ANOTHER_CLUSTER)


def _clusters(text: str, version: str) -> set[str]:
    """List the clusters that Slurm names.

    One may be behind a greeting without a newline. So what has words before it counts too, unless
    the same line is there without Slurm: then all of it is a greeting.
    """
    found = Counter(_CLUSTER.findall(text))
    new = found - Counter(_CLUSTER.findall(version))
    return {name for before, name in found if not before.strip() or (before, name) in new}
