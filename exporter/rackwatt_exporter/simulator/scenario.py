"""Scenario of faults in a simulated fleet: a small file of YAML.

Each entry selects machines (by name, a share of those that no earlier share has taken, or all) and
sets their faults. Of two entries that concern one machine, the later one counts.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from msgspec import Meta

from rackwatt_crds.decoding import Problem, decode
from rackwatt_crds.duration import seconds
from rackwatt_crds.fields import Duration
from rackwatt_crds.hostlist import expand
from rackwatt_crds.model import Model
from rackwatt_crds.rules import not_both
from rackwatt_exporter.simulator.faults.device_faults import Fault
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.vendors import VENDORS

MAX_BYTES = 1024 * 1024
Share = Annotated[
    str,
    Meta(
        pattern=r"^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$",
        description="A share such as `5%` or `0.5%`.",
    ),
]
Method = Literal["ipmi", "snmp", "redfish"]


class Restarts(Model, frozen=True, kw_only=True):
    """Periodic restarts; silent for `down` (default 0s) each time."""

    every: Duration
    down: Duration | None = None


class Affected(Model, frozen=True, kw_only=True):
    """Some machines, and their faults."""

    hosts: str | None = None
    share: Share | None = None
    method: Method | None = None
    dead: bool | None = None
    latency: Duration | None = None
    slow: Duration | None = None
    loss: Share | None = None
    duplication: Share | None = None
    reordering: Share | None = None
    garbage: Share | None = None
    restarts: Restarts | None = None
    powered_off: bool | None = None
    wrong_credentials: bool | None = None
    sessions: Annotated[int, Meta(ge=0, le=1000)] | None = None
    new_engine: bool | None = None
    certificate: Literal["good", "expired", "stranger"] | None = None
    quirk: str | None = None

    RULES = (
        not_both(
            "hosts", "share", "hosts and share exclude each other: give one of them, or neither"
        ),
    )


class Scenario(Model, frozen=True, kw_only=True):
    """Faults of a fleet; `seed` determines the machines of a share."""

    seed: int | None = None
    faults: Annotated[list[Affected], Meta(max_length=10_000)] | None = None


class ScenarioError(Exception):
    """The scenario is invalid; the message has all its problems, a line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = [str(problem) for problem in problems]
        super().__init__("\n".join(self.problems))


def read(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        ScenarioError: it cannot be read, or is invalid.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError([Problem("", f"{path}: {error.strerror}")]) from None
    return parse(text)


def parse(text: bytes) -> Scenario:
    """Parse a scenario.

    Raises:
        ScenarioError: it is invalid.
    """
    if len(text) > MAX_BYTES:
        raise ScenarioError([Problem("", f"is longer than {MAX_BYTES} bytes")])
    try:
        raw: Any = yaml.load(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = " ".join(str(error).split()) or "nested too deep"
        raise ScenarioError([Problem("", f"not YAML: {message}")]) from None
    scenario, problems = decode({} if raw is None else raw, Scenario)
    if scenario is None or problems:
        raise ScenarioError(problems)
    return scenario


def faults(
    scenario: Scenario, machines: Mapping[Method, Sequence[SimulatedMachine]]
) -> dict[str, Fault]:
    """Return the fault of each machine that has one, by address; machines are by method.

    Raises:
        ScenarioError: a name that no machine has, or a quirk that is not known.
    """
    selection = _Selection(machines, scenario.seed or 0)
    by_address: dict[str, Fault] = {}
    problems: list[Problem] = []
    for index, affected in enumerate(scenario.faults or []):
        path = f"faults[{index}]"
        if affected.quirk is not None and affected.quirk not in VENDORS:
            known = ", ".join(VENDORS)
            problems.append(
                Problem(f"{path}.quirk", f"unknown quirk {affected.quirk!r}; known: {known}")
            )
            continue
        try:
            chosen = selection.choose(affected)
        except ValueError as error:
            problems.append(Problem(f"{path}.hosts", str(error)))
            continue
        for address in chosen:
            by_address[address] = replace(by_address.get(address, Fault()), **_fields(affected))
    if problems:
        raise ScenarioError(problems)
    return by_address


def share(text: str) -> float:
    """Convert a share, which has matched its pattern, to a number in 0..1."""
    return float(text.rstrip("%")) / 100


class _Selection:
    """All machines; those in a share are left out of the next share."""

    def __init__(self, machines: Mapping[Method, Sequence[SimulatedMachine]], seed: int) -> None:
        self._methods = {m.name: method for method, each in machines.items() for m in each}
        self._addresses = {m.name: m.address for each in machines.values() for m in each}
        self._left = dict.fromkeys(sorted(self._addresses, key=lambda name: _rank(seed, name)))

    def choose(self, affected: Affected) -> list[str]:
        names = self._named(affected) if affected.hosts else list(self._addresses)
        if affected.method is not None:
            names = [name for name in names if self._methods[name] == affected.method]
        if affected.share is not None:
            names = self._draw(round(len(names) * share(affected.share)), set(names))
        return [self._addresses[name] for name in names]

    def _named(self, affected: Affected) -> list[str]:
        names = expand(affected.hosts or "")
        unknown = [name for name in names if name not in self._addresses]
        if unknown:
            raise ValueError(f"no simulated machine is called {', '.join(unknown[:5])}")
        return names

    def _draw(self, count: int, among: set[str]) -> list[str]:
        drawn = [name for name in self._left if name in among][:count]
        for name in drawn:
            del self._left[name]
        return drawn


def _rank(seed: int, name: str) -> bytes:
    """Return a pseudo-random rank; not a CRC, which also orders polls: faults would be adjacent."""
    return hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()


def _fields(affected: Affected) -> dict[str, Any]:
    """Return the fields of a Fault that an entry sets."""
    fields: dict[str, Any] = {}
    for name in ("dead", "powered_off", "wrong_credentials", "sessions", "new_engine"):
        fields[name] = getattr(affected, name)
    for name in ("loss", "duplication", "reordering", "garbage"):
        text = getattr(affected, name)
        fields[name] = None if text is None else share(text)
    for name in ("latency", "slow"):
        text = getattr(affected, name)
        fields[f"{name}_s"] = None if text is None else seconds(text)
    if affected.restarts is not None:
        fields["restart_every_s"] = seconds(affected.restarts.every)
        fields["down_s"] = seconds(affected.restarts.down or "0s")
    fields["certificate"] = affected.certificate
    fields["vendor"] = None if affected.quirk is None else VENDORS[affected.quirk]
    return {name: value for name, value in fields.items() if value is not None}
