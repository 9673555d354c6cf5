"""Names of kind, method and scheduler in the status."""

import pytest

from rackwatt_crds.decoding import decode
from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.status import kind_of, method_of, scheduler_of
from tests.crds.invalid_documents import NODE, Spec, fleet

SNMP = {"names": "p", "method": "snmp"}
GRID = {"grid": {"zone": "FR", "static": {"gramsPerKilowattHour": 56}}}
REST = {"rest": {"url": "http://a", "tokenSecretRef": {"name": "a", "key": "b"}}}


@pytest.mark.parametrize(
    ("spec", "kind", "method"),
    [
        ({"bmc": {"hosts": [{"names": "a"}, SNMP, {"names": "b"}]}}, "bmc", "ipmi,snmp"),
        (fleet({"names": "a"}, {"adress": "an entry that cannot be read"}), "bmc", "fake"),
        (NODE, "node", "cpu"),
        (GRID, "grid", "static"),
    ],
)
def test_a_target_is_called_by_what_is_measured_and_how(spec: Spec, kind: str, method: str) -> None:
    document, _ = decode({"metadata": {"name": "a"}, "spec": spec}, PowerTarget)
    assert document is not None
    assert (kind_of(document.spec), method_of(document.spec)) == (kind, method)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"slurm": {"cli": {}}}, "slurm/cli"),
        ({"slurm": {"ssh": {"host": "a"}}}, "slurm/ssh"),
        ({"slurm": REST}, "slurm/rest"),
        ({"gridengine": {"ssh": {"host": "a"}}}, "gridengine/ssh"),
        ({"htcondor": {"ssh": {"host": "a"}}}, "htcondor/ssh"),
        ({"lsf": {"cli": {}}}, "lsf/cli"),
        ({"flux": {"cli": {}}}, "flux/cli"),
        ({"pbs": {"cli": {}}}, "pbs/cli"),
        ({"kubernetes": {}}, "kubernetes"),
        ({"noop": {}}, "noop"),
        ({"exporter": {"url": "http://a:9123"}}, "exporter"),
    ],
)
def test_a_binding_is_called_by_its_scheduler_and_its_interface(spec: Spec, name: str) -> None:
    document, _ = decode(
        {"metadata": {"name": "a"}, "spec": {"cluster": "c"} | spec}, SchedulerBinding
    )
    assert document is not None
    assert scheduler_of(document.spec) == name
