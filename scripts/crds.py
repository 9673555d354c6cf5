"""Generate what is applied to Kubernetes from the code, or `--check` that it is up to date.

The chart has a copy of the CRDs, because Helm installs what stands inside a chart alone.
"""

import sys

from rackwatt_crds.crd import DEFINITIONS
from scripts.generated import bring_up_to_date

FILES = {
    f"{folder}/{one.name}.yaml": one.text
    for one in DEFINITIONS
    for folder in ("crds", "charts/rackwatt/crds")
}

if __name__ == "__main__":
    sys.exit(bring_up_to_date(FILES, "make crds"))
