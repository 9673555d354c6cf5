"""Sizes of modules: one noun each, between a fragment and a room of many.

A module of fewer than 30 lines costs a reader one more file to open. So each is here with the
reason that it is one; what has none belongs to a neighbour.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "crds/rackwatt_crds",
    "exporter/rackwatt_accounting",
    "exporter/rackwatt_exporter",
    "exporter/rackwatt_trace",
    "operator/rackwatt_operator",
)
SMALL, LARGE = 30, 400

_KIND = "one kind of object in each module of manifests/"
_MODEL = "one thing of the model in each module"
_BELOW = "imported from layers that may not import each other (import-linter)"
_ROW = "a kind has a module of its own, found by its row in a registry"

REASONS = {
    "crds/rackwatt_crds/accounting/names.py": "types of the names of several objects",
    "crds/rackwatt_crds/accounting/privacy.py": "the object of spec.accounting.privacy",
    "crds/rackwatt_crds/accounting/prometheus.py": "the object of spec.accounting.prometheus",
    "crds/rackwatt_crds/bmc/fake.py": _ROW,
    "crds/rackwatt_crds/cli/durations.py": "the type of flags of both programs",
    "crds/rackwatt_crds/cli/loop_lag.py": "a measurement of both programs",
    "crds/rackwatt_crds/duration.py": _BELOW,
    "crds/rackwatt_crds/grid/static.py": _ROW,
    "crds/rackwatt_crds/grid/zone.py": "the object of spec.grid",
    "crds/rackwatt_crds/memory_file.py": _BELOW,
    "crds/rackwatt_crds/node/hwmon.py": "the object of spec.node.hwmon",
    "crds/rackwatt_crds/node/netdev.py": "the object of spec.node.netdev",
    "crds/rackwatt_crds/node/amd.py": "the object of spec.node.amd",
    "crds/rackwatt_crds/node/nvidia.py": "the object of spec.node.nvidia",
    "crds/rackwatt_crds/unread.py": _BELOW,
    "exporter/rackwatt_accounting/api/scope.py": "one rule for all paths",
    "exporter/rackwatt_accounting/model/associations.py": _MODEL,
    "exporter/rackwatt_accounting/model/phase.py": _MODEL,
    "exporter/rackwatt_accounting/model/window.py": _MODEL,
    "exporter/rackwatt_accounting/sources/selection.py": "one rule for all sources",
    "exporter/rackwatt_accounting/sources/slurm/failures.py": "one mapping for two commands",
    "exporter/rackwatt_accounting/updating/retention.py": "one kind of update",
    "exporter/rackwatt_accounting/sources/texts.py": "one rule for all sources",
    "exporter/rackwatt_exporter/allocator.py": "one call of the C library, and why it is made",
    "exporter/rackwatt_exporter/collectors/errors.py": "one mapping for all collectors",
    "exporter/rackwatt_exporter/config/paths.py": _BELOW,
    "exporter/rackwatt_exporter/config/tls.py": "resolves Secrets for protocols, which know none",
    "exporter/rackwatt_exporter/grid/registry.py": "a registry",
    "exporter/rackwatt_exporter/grid/static.py": _ROW,
    "exporter/rackwatt_exporter/pipelines/families.py": "imports every collector, for docs alone",
    "exporter/rackwatt_exporter/printable.py": _BELOW,
    "exporter/rackwatt_exporter/profiles/batchjob/jobuuid.py": "the codec of one identifier",
    "exporter/rackwatt_exporter/profiles/ceems/families.py": "declares the families of four modules",
    "exporter/rackwatt_exporter/profiles/lines.py": "shared by all profiles",
    "exporter/rackwatt_exporter/protocols/redfish/oem.py": "a table of data",
    "exporter/rackwatt_exporter/protocols/udp/resolver.py": "shared by two transports",
    "exporter/rackwatt_exporter/recording/exchange_log.py": "shared by the recorders of protocols",
    "exporter/rackwatt_exporter/schedulers/base.py": "the protocol of all schedulers",
    "exporter/rackwatt_exporter/schedulers/model/limit_usage.py": _MODEL,
    "exporter/rackwatt_exporter/schedulers/model/qos_limit.py": _MODEL,
    "exporter/rackwatt_exporter/schedulers/model/queue.py": _MODEL,
    "exporter/rackwatt_exporter/schedulers/pbs/listing.py": "what three parsers return",
    "exporter/rackwatt_exporter/schedulers/slurm/errors.py": "one mapping for commands and REST",
    "exporter/rackwatt_exporter/schedulers/slurm/output_format.py": "one format for two commands",
    "exporter/rackwatt_exporter/schedulers/slurm/node_usage.py": "one rule for commands and REST",
    "exporter/rackwatt_exporter/schedulers/views/limit_usage.py": "one view in each module of views/",
    "exporter/rackwatt_exporter/simulator/ipmi/sdr.py": "the codec of one table of IPMI",
    "exporter/rackwatt_exporter/targets/redfish/equipment.py": "a second tree beside the chassis",
    "exporter/rackwatt_exporter/web/lifecycle.py": "one handler, as every other in web/",
    "operator/rackwatt_operator/commands/crds.py": "one command in each module of commands/",
    "operator/rackwatt_operator/kube/constants.py": _BELOW,
    "operator/rackwatt_operator/kube/tombstones.py": "a data structure with invariants of its own",
    "operator/rackwatt_operator/manifests/daemonset.py": _KIND,
    "operator/rackwatt_operator/manifests/deployment.py": _KIND,
    "operator/rackwatt_operator/manifests/poddisruptionbudget.py": _KIND,
    "operator/rackwatt_operator/manifests/service.py": _KIND,
    "operator/rackwatt_operator/manifests/serviceaccount.py": _KIND,
    "operator/rackwatt_operator/status/apply_error.py": _BELOW,
    "operator/rackwatt_operator/status/write_throttle.py": "a value with a rule of its own",
}


def sizes() -> dict[str, int]:
    """Return the number of lines of each module, packages' docstrings apart."""
    modules = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in modules
        if path.name != "__init__.py"
    }


def test_modules_of_few_lines_have_a_reason_each() -> None:
    assert {path for path, lines in sizes().items() if lines < SMALL} == set(REASONS)


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_rooms_and_not_houses(package: str) -> None:
    assert not {
        path: lines for path, lines in sizes().items() if path.startswith(package) and lines > LARGE
    }
