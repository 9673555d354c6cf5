"""Expansion of a fleet's entries into nodes and addresses.

It detects host lists of different lengths, which neither a schema nor one field can. The exporter
and the operator share it.
"""

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

from rackwatt_crds.bmc.hosts import Bmc, HostEntry
from rackwatt_crds.endpoints import address_problem
from rackwatt_crds.hostlist import expand
from rackwatt_crds.kinds import DEFAULT_METHOD, METHODS
from rackwatt_crds.quoting import shown
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import counted

_NOT_IN_NAMES = re.compile(r"[\s@{}()<>|;\"'`*?$\\“”‘’]")


@dataclass(slots=True)
class ExpandedHosts:
    """The nodes of an entry and their addresses, of the same length unless there are problems.

    Each problem is a field and a reason.
    """

    names: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def valid_entries(bmc: Bmc) -> list[HostEntry]:
    """Return the entries that have no problem."""
    return [entry for entry in bmc.hosts if isinstance(entry, HostEntry)]


def method(bmc: Bmc, entry: HostEntry) -> str:
    """Return the method that reads an entry's targets."""
    return entry.method or bmc.method or DEFAULT_METHOD


def expand_hosts(bmc: Bmc, entry: HostEntry) -> ExpandedHosts:
    """Expand an entry into its nodes and addresses."""
    hosts = ExpandedHosts()
    hosts.names = _expanded(entry.names, "names", hosts.problems)
    twice = [name for name, count in Counter(hosts.names).items() if count > 1]
    if twice:
        hosts.problems.append(("names", f"node {shown(twice[0])} is listed twice"))
    invalid = next((name for name in hosts.names if is_invalid_name(name)), None)
    if invalid is not None:
        reason = (
            f"{shown(invalid)} is not a node name: separate names by commas, write ranges as [1-3]"
        )
        hosts.problems.append(("names", reason))
    key, hosts.addresses = _addresses(bmc, entry, hosts)
    wrong = filter(None, map(address_problem, hosts.addresses if key else ()))
    hosts.problems += [(key, reason) for reason in itertools.islice(wrong, 1)]
    return hosts


def is_invalid_name(name: str) -> bool:
    """Return whether a name has characters that no scheduler allows, such as blanks or @."""
    return bool(_NOT_IN_NAMES.search(name)) or not name.isprintable()


def format_template(template: str, name: str, index: int) -> str:
    """Replace `{name}` and `{index}` in a template such as `{name}-bmc`."""
    return template.replace("{name}", name).replace("{index}", str(index))


def _addresses(bmc: Bmc, entry: HostEntry, hosts: ExpandedHosts) -> tuple[str, list[str]]:
    """Return the addresses, and the field that they come from."""
    if UNREAD in (entry.address, entry.addresses):
        return "", []
    listed = _listed(entry, entry.addresses, hosts) if entry.addresses is not None else []
    if entry.address is not None:
        address = entry.address
        return "address", [format_template(address, name, i) for i, name in enumerate(hosts.names)]
    if entry.addresses is not None:
        return "addresses", listed
    chosen = method(bmc, entry)
    if chosen is UNREAD or METHODS[chosen].endpoint is None:
        return "", hosts.names
    reason = "no address is given: set addresses or address"
    hosts.problems.append(("addresses", reason))
    return "", []


def _listed(entry: HostEntry, text: str, hosts: ExpandedHosts) -> list[str]:
    """Expand the list of addresses; without brackets, a rule already compares the lengths."""
    addresses = _expanded(text, "addresses", hosts.problems)
    bracketed = hosts.names and "[" in entry.names + text
    if bracketed and addresses and len(addresses) != len(hosts.names):
        counts = counted(len(hosts.names), "name"), counted(len(addresses), "address", "addresses")
        hosts.problems.append(("addresses", " but ".join(counts)))
    return addresses


def _expanded(text: str, key: str, problems: list[tuple[str, str]]) -> list[str]:
    if text is UNREAD:
        return []
    try:
        return expand(text)
    except ValueError as error:
        problems.append((key, str(error)))
        return []
