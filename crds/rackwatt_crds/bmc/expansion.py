"""The entries of a fleet: those that could be read, and which machines each means, where.

Host lists of unequal length are seen here, because neither a schema nor one field alone can tell;
the exporter and the operator judge them alike.
"""

import itertools
import re
import socket
from collections import Counter
from dataclasses import dataclass, field

from rackwatt_crds.bmc.hosts import Bmc, HostEntry
from rackwatt_crds.hostlist import expand
from rackwatt_crds.kinds import DEFAULT_METHOD, METHODS
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import counted

_ADDRESS = re.compile(r"[A-Za-z0-9._:%-]+\Z")
_DIGITS = re.compile(r"[0-9]+(\.[0-9]*)+\Z")
_NOT_IN_NAMES = re.compile(r"[\s{}()<>|;\"'`*?$\\“”‘’]")


@dataclass(slots=True)
class Places:
    """The nodes of an entry and their addresses, side by side unless there are problems.

    Each problem is the field it is in, and the reason.
    """

    names: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def usable(bmc: Bmc) -> list[HostEntry]:
    """List the entries that are not broken."""
    return [entry for entry in bmc.hosts if isinstance(entry, HostEntry)]


def method(bmc: Bmc, entry: HostEntry) -> str:
    """Tell how an entry's targets are asked."""
    return entry.method or bmc.method or DEFAULT_METHOD


def places(bmc: Bmc, entry: HostEntry) -> Places:
    """List an entry's nodes and addresses."""
    found = Places()
    found.names = _expanded(entry.names, "names", found.problems)
    twice = [name for name, count in Counter(found.names).items() if count > 1]
    if twice:
        found.problems.append(("names", f"node {twice[0]!r} stands there twice"))
    strange = next((name for name in found.names if is_strange(name)), None)
    if strange is not None:
        reason = f"{strange!r:.60} is no node name: separate names by commas, write ranges as [1-3]"
        found.problems.append(("names", reason))
    key, found.addresses = _addresses(bmc, entry, found)
    wrong = filter(None, map(address_problem, found.addresses if key else ()))
    found.problems += [(key, reason) for reason in itertools.islice(wrong, 1)]
    return found


def is_strange(name: str) -> bool:
    """Return whether a name has what no scheduler has in one: spaces, braces, quotes."""
    return bool(_NOT_IN_NAMES.search(name)) or not name.isprintable()


def address_problem(address: str) -> str | None:
    """Return what is wrong with an address, if it is neither a host name nor an IP address."""
    if "@" in address:  # what is before it may be a password, and is not repeated
        return "an address must not hold a user name or a password: use credentials"
    wrong = f"{address!r:.80} is neither a host name nor an IP address"
    if not _ADDRESS.match(address):
        return f"{wrong}: write the host alone" if "://" in address else wrong
    colons = address.count(":")
    if colons == 1:
        return f"{wrong}: a port has a field of its own, such as ipmi.port"
    if colons or _DIGITS.match(address):
        return None if _is_ip(address.partition("%")[0]) else wrong
    return wrong if ".." in address else None


def _is_ip(address: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    except OSError:
        return False
    return True


def filled_in(template: str, name: str, index: int) -> str:
    """Put a node's name and place into a template such as `{name}-bmc`."""
    return template.replace("{name}", name).replace("{index}", str(index))


def _addresses(bmc: Bmc, entry: HostEntry, found: Places) -> tuple[str, list[str]]:
    """List the addresses, and the field they come from."""
    if UNREAD in (entry.address, entry.addresses):
        return "", []
    listed = _listed(entry, entry.addresses, found) if entry.addresses is not None else []
    if entry.address is not None:
        address = entry.address
        return "address", [filled_in(address, name, i) for i, name in enumerate(found.names)]
    if entry.addresses is not None:
        return "addresses", listed
    asked = method(bmc, entry)
    if asked is UNREAD or METHODS[asked].endpoint is None:
        return "", found.names
    reason = "nothing says where they are: give addresses or address"
    found.problems.append(("addresses", reason))
    return "", []


def _listed(entry: HostEntry, text: str, found: Places) -> list[str]:
    """List the addresses that are beside the names; without brackets, a rule counts them."""
    addresses = _expanded(text, "addresses", found.problems)
    bracketed = found.names and "[" in entry.names + text
    if bracketed and addresses and len(addresses) != len(found.names):
        counts = counted(len(found.names), "name"), counted(len(addresses), "address", "addresses")
        found.problems.append(("addresses", " but ".join(counts)))
    return addresses


def _expanded(text: str, key: str, problems: list[tuple[str, str]]) -> list[str]:
    if text is UNREAD:
        return []
    try:
        return expand(text)
    except ValueError as error:
        problems.append((key, str(error)))
        return []
