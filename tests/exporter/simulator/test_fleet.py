from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.config.files import load_documents
from rackwatt_exporter.config.fleet import resolve_fleet
from rackwatt_exporter.simulator.fleet import MAX_NODES, RACK_SIZE, Ports, racks, write


@given(st.integers(1, 3000))
def test_the_requested_number_of_machines_each_with_its_own_name_and_loopback_address(
    n: int,
) -> None:
    machines = [machine for rack in racks(n) for machine in rack.machines]
    assert len(machines) == n
    assert len({machine.name for machine in machines}) == n
    assert len({machine.address for machine in machines}) == n
    assert all(machine.address.startswith("127.") for machine in machines)
    assert all(0 < len(rack.machines) <= RACK_SIZE for rack in racks(n))


@pytest.mark.parametrize("n", [0, -1, MAX_NODES + 1])
def test_a_number_that_cannot_be_simulated_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"{n} nodes"):
        racks(n)


@pytest.mark.parametrize("n", [1, 2, 3, 60, 1000])
def test_the_documents_written_come_to_the_same_machines(n: int, tmp_path: Path) -> None:
    furnished = racks(n)
    write(tmp_path, furnished, Ports(ipmi=6230), b"authority")
    built = resolve_fleet(load_documents([tmp_path / "documents"]))
    assert built.problems == ()
    machines = {m.name: (m.address, rack.name) for rack in furnished for m in rack.machines}
    assert {t.node: (t.address, t.rack) for t in built.targets.values()} == machines
    assert (tmp_path / "secrets/bmc-ca/ca.crt").read_bytes() == b"authority"
    assert (tmp_path / "secrets/bmc/password").stat().st_mode & 0o077 == 0
