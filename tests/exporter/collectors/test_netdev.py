"""Network interfaces; the oracles are values by hand, `ip -statistics` and awk over the real file."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.node.netdev import Netdev
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.netdev import FAMILIES, NetdevCollector, parse_net_dev
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason

HEAD = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast"
    "|bytes    packets errs drop fifo colls carrier compressed\n"
)
# As kernels write it; before 2.6.38 a long number touched the colon.
NET_DEV = (
    HEAD + "    lo: 72206291486 46759828    0    0    0     0          0         0"
    " 72206291486 46759828    0    0    0     0       0          0\n"
    "  eth0:18446744073709551615 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n"
    "veth12ab: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n"
    "br-lan.7: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
)


def procfs(directory: Path, text: str = NET_DEV) -> Path:
    (directory / "1/net").mkdir(parents=True)
    (directory / "1/net/dev").write_text(text)
    return directory


async def read(path: Path, settings: Netdev | None = None) -> CollectorResult:
    collector = NetdevCollector(HostPaths("n1", procfs=path), settings, Secrets(Path()))
    try:
        return await collector.read()
    finally:
        await collector.close()


def devices(found: CollectorResult) -> list[str]:
    return list(dict.fromkeys(sample.labels[0] for sample in found.samples))


async def test_netdev_has_every_counter_of_an_interface(tmp_path: Path) -> None:
    found = await read(procfs(tmp_path))
    assert {
        one.family.name.removeprefix("rackwatt_node_network_").removesuffix("_total"): one.value
        for one in found.samples
        if one.labels == ("eth0",)
    } == {
        "receive_bytes": 2**64 - 1, "receive_packets": 1, "receive_errors": 2,
        "receive_dropped": 3, "receive_fifo_errors": 4, "receive_frame_errors": 5,
        "receive_compressed": 6, "receive_multicast": 7, "transmit_bytes": 8,
        "transmit_packets": 9, "transmit_errors": 10, "transmit_dropped": 11,
        "transmit_fifo_errors": 12, "transmit_collisions": 13, "transmit_carrier_errors": 14,
        "transmit_compressed": 15,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        (None, ["lo", "eth0", "br-lan.7"]),
        (Netdev(exclude="lo"), ["eth0", "veth12ab", "br-lan.7"]),
        (Netdev(include="v.*|eth0"), ["eth0", "veth12ab"]),
        (Netdev(include="eth"), []),  # the whole name
        (Netdev(include=".*", exclude="eth0|lo"), ["veth12ab", "br-lan.7"]),
    ],
)
async def test_netdev_measures_the_interfaces_that_the_settings_choose(
    tmp_path: Path, settings: Netdev | None, chosen: list[str]
) -> None:
    assert devices(await read(procfs(tmp_path), settings)) == chosen


async def test_netdev_reads_thousands_of_interfaces(tmp_path: Path) -> None:
    lines = "".join(f"  e{number}: {' '.join(['123456789012'] * 16)}\n" for number in range(5000))
    assert len(devices(await read(procfs(tmp_path, HEAD + lines)))) == 5000


async def test_netdev_reads_this_machine_as_awk_does() -> None:
    output = subprocess.check_output(
        ["awk", "-F", "[: ]+", "NR > 2 { print $2, $3, $11 }", "/proc/net/dev"], text=True
    )
    before = {name: (int(a), int(b)) for name, a, b in map(str.split, output.splitlines())}
    found = await read(Path("/proc"), Netdev(include=".*"))
    for family, column in ((FAMILIES[0], 0), (FAMILIES[8], 1)):
        ours = {one.labels[0]: one.value for one in found.samples if one.family is family}
        assert ours.keys() == before.keys()
        assert all(ours[name] >= before[name][column] for name in ours)


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace is made by root")
def test_netdev_of_another_network_namespace_is_that_of_the_node() -> None:
    """Read as a pod does: unprivileged, in a network namespace of its own, through the node's /proc."""
    code = (
        "import asyncio, json, pathlib, sys\n"
        "from rackwatt_crds.node.netdev import Netdev\n"
        "from rackwatt_exporter.collectors.netdev import NetdevCollector\n"
        "from rackwatt_exporter.config.paths import HostPaths\n"
        "async def read():\n"
        "    made = NetdevCollector(HostPaths(), Netdev(include='.*'), None)\n"
        "    return sorted({one.labels[0] for one in (await made.read()).samples})\n"
        "own = pathlib.Path('/proc/net/dev').read_text()\n"
        "print(json.dumps([asyncio.run(read()), own.count(':')]))\n"
    )
    command = (
        "unshare", "--net", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code,
    )  # fmt: skip
    output = subprocess.check_output(
        command, text=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )
    found, own = json.loads(output)
    here = re.findall(r"^\s*([^:\s]+):", Path("/proc/1/net/dev").read_text(), re.MULTILINE)
    assert found == sorted(here)
    assert own < len(here)  # the new namespace has fewer interfaces


async def test_netdev_never_takes_its_own_namespace_for_that_of_another_proc(
    tmp_path: Path,
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/dev").write_text(NET_DEV)
    with pytest.raises(ReadError, match=r"there is no .*/1/net/dev") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.ABSENT


@pytest.mark.parametrize(
    "text",
    ["", "garbage\n", NET_DEV[:190], NET_DEV[:-5], HEAD + "eth0: 1 2\n", HEAD + "eth0\n",
     HEAD + f"eth0: {'-1 ' * 16}\n", HEAD + f"eth0: {'9' * 40 + ' '} {'1 ' * 15}\n"],
)  # fmt: skip
async def test_netdev_is_a_bad_reply_if_the_file_has_another_format(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ReadError) as caught:
        await read(procfs(tmp_path, text))
    assert caught.value.reason is Reason.BAD_REPLY


@given(st.binary(max_size=200))
def test_netdev_of_garbage_lines_is_a_bad_reply_or_sixteen_numbers(lines: bytes) -> None:
    try:
        found = list(parse_net_dev(HEAD.encode() + lines))
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert all(len(numbers) == 16 and min(numbers) >= 0 for _, numbers in found)
