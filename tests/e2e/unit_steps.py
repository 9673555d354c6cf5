"""Steps of pods on the node: each has its energy by namespace and name, and all of it adds up."""

from importlib.metadata import version
from typing import Any

from tests.cluster.clients import Kubectl
from tests.e2e.energy_counter import BUSY_CPU_WATTS
from tests.e2e.monitoring import Prometheus
from tests.e2e.node import NAME, Node

TEAM, POD, TARGET, WITHOUT_POWER = "team", "burning", "pods", "cpus"
OURS = f'service="pt-{TARGET}"'
ENOUGH_JOULES = 300.0
UNITS = f"sum(rackwatt_unit_energy_joules_total{{{OURS}}})"
OF_UNITS = f'sum(rackwatt_node_energy_joules_total{{{OURS},part="units"}})'
PARTS = f'sum(rackwatt_node_energy_joules_total{{{OURS},part!=""}})'
MEASURED = f"sum(rackwatt_node_measured_energy_joules_total{{{OURS}}})"
OF_BMC = f'{{service="pt-{WITHOUT_POWER}"}}'
JOINED = (
    f"sum(rackwatt:unit_bmc_power:watts{OF_BMC}) + sum(rackwatt:system_bmc_power:watts{OF_BMC})"
)


class PodEnergy:
    """PowerTargets with `units: {kubernetes: {}}`, and a pod that burns CPU."""

    def __init__(self, node: Node, namespace: str) -> None:
        self._node = node
        self._ours = Kubectl(node, namespace)
        self._theirs = Kubectl(node, TEAM)
        self._prometheus = Prometheus(node)

    def find_a_burning_pod(self) -> None:
        """Query the joules of a burning pod by its namespace and name: it is charged for its CPU."""
        self._node.kubectl.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM}}
        )
        self._ours.apply(target(TARGET, "rapl"))
        self._theirs.apply(burning())
        with self._node.machine.energy_counter.following_the_load():
            joules = self._prometheus.until(f"{burned()} > {ENOUGH_JOULES}")
            seconds = self._prometheus.until(by_name("rackwatt_unit_cpu_seconds_total", OURS))
        measured = self._prometheus.until(MEASURED)
        print(f"{joules:.0f} J in {seconds:.1f} s of CPU, of {measured:.0f} J of the node")
        assert joules > BUSY_CPU_WATTS * seconds / 2
        assert joules < measured

    def add_up(self) -> None:
        """Query all parts of the node's joules: they add up to what was measured."""
        (units,) = self._prometheus.query(f"abs({UNITS} - {OF_UNITS})")
        assert float(units["value"][1]) < 1e-5
        (parts,) = self._prometheus.query(f"abs({PARTS} - {MEASURED})")
        assert float(parts["value"][1]) < 1e-5
        assert self._prometheus.number(f"rackwatt_node_energy_imbalance_joules{{{OURS}}}") == 0

    def join_a_bmc(self) -> None:
        """Measure the node by a BMC alone: the rules give a pod its watts, and add up to the BMC's."""
        self._ours.apply(target(WITHOUT_POWER, "cpu"), bmc())
        pod = by_name("rackwatt:unit_bmc_power:watts", f'service="pt-{WITHOUT_POWER}"')
        watts = self._prometheus.until(f"{pod} > 0")
        (parts,) = self._prometheus.query(
            f"abs({JOINED} - sum(rackwatt:node_bmc_power:watts{OF_BMC}))"
        )
        assert float(parts["value"][1]) < 1e-6
        # In one query: the BMC's watts of another moment are others.
        share = self._prometheus.until(f"sum({pod}) / sum(rackwatt:node_bmc_power:watts{OF_BMC})")
        print(f"{watts:.0f} W of the pod; {share:.0%} of the BMC's")
        assert 0 < share < 1

    def replace_the_collector(self) -> None:
        """Delete the collector's pod: in the next one the joules of pods continue."""
        before = self._prometheus.until(burned())
        instance = f"--selector=app.kubernetes.io/instance=pt-{TARGET}"
        (old,) = self._ours.items("pods", instance)
        self._ours.run("delete", f"pod/{old['metadata']['name']}")
        new = f'{OURS},pod!="{old["metadata"]["name"]}"'
        assert self._prometheus.until(burned(new)) >= before
        self._theirs.run("delete", f"pod/{POD}", "--grace-period=0", "--force")


def by_name(family: str, selected: str) -> str:
    """Ask for a family of the burning pod by its namespace and name, in what one document has."""
    named = f'{selected},manager="kubernetes",namespace="{TEAM}",name="{POD}"'
    return (
        f"sum by (namespace, name) ({family}{{{selected}}} * on (node, manager, unit)"
        f" group_left (namespace, name) rackwatt_unit_info{{{named}}})"
    )


def burned(selected: str = OURS) -> str:
    """Ask for the joules of the burning pod."""
    return by_name("rackwatt_unit_energy_joules_total", selected)


def target(name: str, collector: str) -> dict[str, Any]:
    """Return a PowerTarget of pods."""
    return {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": name},
        "spec": {
            "interval": "1s",
            "node": {"collectors": [collector], "units": {"kubernetes": {}}},
            "pod": {"tolerations": [{"operator": "Exists"}]},
        },
    }


def bmc() -> dict[str, Any]:
    """Return a PowerTarget that measures the node from outside."""
    return {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "outside"},
        "spec": {"interval": "2s", "bmc": {"method": "fake", "hosts": [{"names": NAME}]}},
    }


def burning() -> dict[str, Any]:
    """Return a pod that uses a CPU, as far as it gets one."""
    container = {
        "name": "burner",
        "image": f"rackwatt/collector:{version('rackwatt')}",
        "command": ["python3", "-c", "while True: pass"],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD},
        "spec": {"containers": [container]},
    }
