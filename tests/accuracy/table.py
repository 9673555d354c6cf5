"""The table of errors: each way to divide, over several kinds of load."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, quantiles

from rackwatt_exporter.config.energy import Division
from tests.accuracy.machine import Machine, Moment, campaign
from tests.accuracy.models import Joules, batchjob, ceems, ledger

PAGE = Path(__file__).resolve().parents[2] / "docs/energy.md"
_PLACE = re.compile(r"(<!-- accuracy -->\n).*?(<!-- /accuracy -->)", re.DOTALL)
HOURS = 24.0
_FROM_S = 12 * 3600.0  # jobs that began before are not counted: the machine is not known yet
_MIN_JOULES = 10_000.0  # shorter jobs are mostly the edge of an interval
Model = Callable[[list[Moment]], Joules]

MODELS: dict[str, Model] = {
    "Rackwatt, BMC and RAPL": lambda moments: ledger(moments, Division(), "ipmi", has_rapl=True),
    "Rackwatt, BMC alone": lambda moments: ledger(moments, Division(), "ipmi", has_rapl=False),
    "Rackwatt, BMC and RAPL, `idle: equal`": lambda moments: ledger(
        moments, Division(idle="equal"), "ipmi", has_rapl=True
    ),
    "CEEMS, BMC and RAPL": ceems,
    "batchjob_monitoring, BMC": batchjob,
}
LOADS = {
    "full, codes alike": ((1.0,), 1.0),
    "full, codes differ": ((0.6, 1.0, 1.4), 1.0),
    "half full, codes alike": ((1.0,), 0.5),
    "half full, codes differ": ((0.6, 1.0, 1.4), 0.5),
}


def table() -> str:
    """Return the table in Markdown: mean error of a job, and that which one in ten exceeds."""
    columns = {name: _moments(*load) for name, load in LOADS.items()}
    lines = ["| model | " + " | ".join(LOADS) + " |", "|---" * (len(LOADS) + 1) + "|"]
    for name, model in MODELS.items():
        cells = [_cell(model(moments), moments) for moments in columns.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def errors(joules: Joules, moments: Sequence[Moment]) -> list[float]:
    """Return the relative error of each job that has ended, in percent."""
    *_, last = moments
    true = {
        name: value for name, value in last.true_joules.items()
        if value >= _MIN_JOULES and name not in last.running
    }  # fmt: skip
    return [100 * abs(joules.get(name, 0.0) - value) / value for name, value in true.items()]


def _moments(intensities: tuple[float, ...], load: float) -> list[Moment]:
    machine = Machine(campaign(7, HOURS, intensities, load))
    return list(machine.moments(HOURS * 3600))


def _cell(joules: Joules, moments: list[Moment]) -> str:
    found = errors(joules, moments)
    return f"{mean(found):.0f} % ({quantiles(found, n=10)[-1]:.0f} %)"


def filled(page: str, text: str) -> str:
    """Return the page with this table in its place."""
    return _PLACE.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)
