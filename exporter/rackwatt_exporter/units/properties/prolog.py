"""Properties of a job of Slurm by the file that a prolog writes, named by the job's id.

Its first line has `USER ACCOUNT NODELIST`. That is what batchjob_exporter reads, so its prologs
serve, and further words are ignored as there, but for those that name a variable of Slurm's:
`SLURM_JOB_NAME=train SLURM_CLUSTER_NAME=prod`. Root writes these files: a user cannot change them.
"""

from pathlib import Path

from rackwatt_exporter.units.properties.job import JobProperties
from rackwatt_exporter.units.properties.variables import VARIABLES

_MAX_BYTES = 64 * 1024
_FURTHER = {name: field for field, name in VARIABLES["slurm"].names.items()}


def of_file(path: Path) -> JobProperties | None:
    """Return the properties in a file; None where there is none.

    Raises:
        ValueError: it is in another format, or may not be read; the message has the path.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    return parsed(text, str(path))


def parsed(text: bytes, where: str) -> JobProperties:
    """Return the properties that a text has.

    Raises:
        ValueError: its first line is not of words that can be printed, or has fewer than three.
    """
    line = text.lstrip().partition(b"\n")[0]
    try:
        words = line.decode().split()
    except UnicodeDecodeError:
        raise ValueError(f"{where}: {line[:40]!r} is no text") from None
    if len(words) < 3 or not all(map(str.isprintable, words)):
        raise ValueError(f"{where}: {line[:40]!r} is not USER ACCOUNT NODELIST")
    user, account, nodelist, *further = words
    pairs = (word.partition("=") for word in further)
    named = {_FURTHER[name]: value for name, _, value in pairs if name in _FURTHER}
    return JobProperties(user, account, nodelist)._replace(
        **{field: value for field, value in named.items() if field in ("name", "cluster", "start")}
    )
