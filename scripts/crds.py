"""Generate what is applied to Kubernetes from the code, or `--check` that it is up to date.

The chart has a copy of the CRDs, because Helm installs only what is inside a chart. Its roles are
the operator's table of rights; the schema of its values has the models that they become.
"""

import sys

import yaml

from rackwatt_crds.crd import DEFINITIONS
from rackwatt_operator.rbac import SCOPES, policy_rules
from scripts import values
from scripts.generated import bring_up_to_date

_MADE = "# Made by `make crds` from operator/rackwatt_operator/rbac.py: change that one.\n"


def rules() -> str:
    """Write the rights that the chart makes roles of."""
    scopes = {scope: policy_rules(scope) for scope in SCOPES}
    return _MADE + yaml.safe_dump(scopes, sort_keys=False, width=100)


FILES = {
    f"{folder}/{one.name}.yaml": one.text
    for one in DEFINITIONS
    for folder in ("crds", "charts/rackwatt/crds")
} | {
    "charts/rackwatt/files/rules.yaml": rules,
    values.DEFAULTS: values.values_defaults,
    values.SCHEMA: values.values_schema,
}

if __name__ == "__main__":
    sys.exit(bring_up_to_date(FILES, "make crds"))
