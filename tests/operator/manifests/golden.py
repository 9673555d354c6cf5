"""Golden files of manifests: `python -m tests.operator.manifests.golden` rewrites them.

One file in `golden/` for each file of documents in `cases/`. The difference shows what a change does
to people's clusters.
"""

from pathlib import Path

import yaml

from rackwatt_operator.commands.render import Dumper
from tests.operator.manifests.builders import planned

_HERE = Path(__file__).parent
CASES = sorted((_HERE / "cases").glob("*.yaml"))


def golden(case: Path) -> Path:
    """Return the path of a case's golden file."""
    return _HERE / "golden" / case.name


def rendered(case: Path) -> str:
    """Render a case."""
    manifests = planned(case.read_text())
    return str(yaml.dump_all(manifests, Dumper=Dumper, sort_keys=False, width=100))


if __name__ == "__main__":
    golden(CASES[0]).parent.mkdir(exist_ok=True)
    for one in CASES:
        golden(one).write_text(rendered(one))
        print(f"{one.name}: written")
