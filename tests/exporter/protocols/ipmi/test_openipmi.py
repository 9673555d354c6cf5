"""The kernel's IPMI device, with a driver below it that has the structures from linux/ipmi.h."""

import errno
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.ipmi import openipmi
from rackwatt_exporter.protocols.ipmi.local_bmc import WORKER
from rackwatt_exporter.protocols.ipmi.openipmi import IpmiDevice, IpmiDeviceError, serve
from tests.exporter.protocols.ipmi.openipmi_driver import (
    RECEIVE_MSG_TRUNC,
    SEND_COMMAND,
    Driver,
    Message,
    device,
)

REQUEST = bytes.fromhex("dc010000")
QUICK_S = 0.05


def opened(path: Path, driver: Driver, response_s: float = 5.0) -> IpmiDevice:
    return IpmiDevice([str(path)], driver.ioctl, response_s)


def echo(message: Message) -> list[Message]:
    return [message.response(b"\0" + message.data)]


def test_a_command_reaches_the_driver_as_the_kernels_header_has_it(tmp_path: Path) -> None:
    assert (openipmi.SEND_COMMAND, openipmi.RECEIVE_MSG_TRUNC) == (SEND_COMMAND, RECEIVE_MSG_TRUNC)
    driver = Driver(echo)
    made = opened(device(tmp_path), driver)
    assert made.command(0x2C, 0x02, REQUEST) == b"\0" + REQUEST
    (heard,) = driver.heard
    assert (heard.netfn, heard.command, heard.data) == (0x2C, 0x02, REQUEST)
    # System interface, the BMC's channel, LUN 0 (struct ipmi_system_interface_addr).
    assert heard.address == bytes.fromhex("0c0000000f000000")
    made.close()


def test_a_late_response_to_an_earlier_request_is_dropped(tmp_path: Path) -> None:
    late: list[Message] = []

    def answer(message: Message) -> list[Message]:
        if not late:
            late.append(message.response(b"\0late"))
            return []
        return [*late, message.response(b"\0now")]

    made = opened(device(tmp_path), Driver(answer), QUICK_S)
    with pytest.raises(IpmiDeviceError, match=r"did not respond within 0\.05 s") as caught:
        made.command(0x2C, 0x02, REQUEST)
    assert caught.value.reason == "timeout"
    assert made.command(0x2C, 0x02, REQUEST) == b"\0now"
    made.close()


def test_what_is_no_response_to_this_request_is_dropped(tmp_path: Path) -> None:
    def answer(message: Message) -> list[Message]:
        good = message.response(b"\0right")
        return [
            good._replace(kind=2, data=b"\0event"),
            good._replace(command=3, data=b"\0other"),
            good._replace(netfn=message.netfn, data=b"\0request"),
            good._replace(data=b""),
            good,
        ]

    made = opened(device(tmp_path), Driver(answer))
    assert made.command(0x2C, 0x02, b"") == b"\0right"
    made.close()


def test_the_first_device_that_exists_is_opened(tmp_path: Path) -> None:
    paths = [tmp_path / "ipmi0", device(tmp_path, "ipmi/0"), device(tmp_path, "ipmidev/0")]
    made = IpmiDevice([str(path) for path in paths], Driver(echo).ioctl)
    assert made.command(0x06, 0x01, b"") == b"\0"
    kept = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in map(int, os.listdir("/proc/self/fd"))
        if fd > 2 and os.path.exists(f"/proc/self/fd/{fd}")
    ]
    assert str(paths[1]) in kept
    made.close()


def test_a_machine_without_a_device_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(IpmiDeviceError, match="/ipmi0: No such file") as caught:
        IpmiDevice([str(tmp_path / "ipmi0")]).command(0x06, 0x01, b"")
    assert caught.value.reason == "absent"


def test_a_file_that_is_no_device_of_ipmi_is_an_error_with_the_kernels_words(
    tmp_path: Path,
) -> None:
    with pytest.raises(IpmiDeviceError, match="Inappropriate ioctl") as caught:
        IpmiDevice([str(device(tmp_path))]).command(0x06, 0x01, b"")
    assert caught.value.reason == "sensor_unreadable"


def test_a_device_is_opened_again_after_an_error(tmp_path: Path) -> None:
    broken = [True]
    driver = Driver(echo)

    def ioctl(descriptor: int, request: int, buffer: bytearray) -> None:
        if broken:
            broken.clear()
            raise OSError(errno.EIO, "Input/output error")
        driver.ioctl(descriptor, request, buffer)

    made = IpmiDevice([str(device(tmp_path))], ioctl)
    with pytest.raises(IpmiDeviceError, match="Input/output error"):
        made.command(0x06, 0x01, b"")
    assert made.command(0x06, 0x01, b"") == b"\0"
    made.close()


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=260))
def test_any_data_come_through_in_both_directions(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, response: bytes
) -> None:
    driver = Driver(lambda message: [message.response(response)])
    made = opened(device(tmp_path_factory.mktemp("dev")), driver)
    assert made.command(0x2E, 0x30, data) == response
    assert driver.heard[0].data == data
    made.close()


def test_requests_are_answered_line_by_line(tmp_path: Path) -> None:
    made = opened(device(tmp_path), Driver(echo))
    lines = iter(["1 44 2 dc010000\n", "2 6 1 -\n"])
    assert list(serve(made, lines)) == ["1 ok 00dc010000", "2 ok 00"]
    made.close()


def test_the_child_needs_nothing_of_ours_and_says_why_there_is_no_device(tmp_path: Path) -> None:
    said = subprocess.run(
        [*WORKER, str(tmp_path / "ipmi0")], input="7 6 1 -\n", text=True, capture_output=True
    )
    assert said.stdout == f"7 absent {tmp_path}/ipmi0: No such file or directory\n"
    assert (said.stderr, said.returncode) == ("", 0)
