"""A capture whatever BMCs answered: secrets in any corner of it do not come out."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter import capture
from rackwatt_exporter.capture import CaptureError, Outcome, RecordedTarget
from rackwatt_exporter.protocols.snmp.value import Malformed, Unmeasured, decode_value
from rackwatt_exporter.recording.recorder import KnownSecrets, Recorder
from rackwatt_exporter.recording.snmp import SnmpLog
from rackwatt_exporter.simulator.fleet import Ports
from rackwatt_exporter.simulator.replay.device import recorded_tree
from rackwatt_exporter.simulator.replay.runner import servers
from tests.exporter.store.test_targets import target

passwords = st.text(
    st.characters(categories=("L", "N", "P"), max_codepoint=0x2FF), min_size=4, max_size=20
)


def captured(password: str, recorded: RecordedTarget) -> str:
    secrets = KnownSecrets(Path("/nonexistent"))
    recorder = Recorder(secrets, 1)
    secrets.redactor.remove(password)
    recorder._recorded.append(recorded)
    return recorder.capture()


def everywhere(password: str) -> RecordedTarget:
    octets = password.encode()
    return RecordedTarget(
        node="node1",
        method="redfish",
        settings={"chassis": password},
        outcomes=[Outcome(reason="bad_reply", message=f"no {password} here")],
        ipmi=capture.Ipmi(
            commands=[
                capture.Command(name="x", netfn=6, command=1, answers=[(b"\0" + octets).hex()])
            ]
        ),
        snmp=capture.Snmp(
            objects=[
                capture.SnmpObject(oid="1.3.6.1", kind="text", values=[f"a{password}b"]),
                capture.SnmpObject(oid="1.3.6.2", kind="bytes", values=[(b"\xff" + octets).hex()]),
            ]
        ),
        redfish=capture.Redfish(
            resources=[
                capture.Resource(
                    path=f"/redfish/v1/{password}",
                    answers=[
                        capture.RecordedResponse(
                            status=200, document={password: [{"Name": password}]}
                        ),
                        capture.RecordedResponse(
                            status=500, headers={"Server": password}, text=password
                        ),
                    ],
                )
            ]
        ),
    )


async def test_a_target_of_another_method_cannot_be_recorded_and_the_error_says_which_can() -> None:
    recorder = Recorder(KnownSecrets(Path("/nonexistent")), 1)
    with pytest.raises(CaptureError) as caught:
        await recorder.record(target("n1"))
    assert str(caught.value) == (
        "n1: targets of method fake cannot be recorded; "
        "name nodes of the methods ipmi, snmp and redfish"
    )


@given(passwords)
def test_a_password_in_every_corner_is_in_none_of_the_file(password: str) -> None:
    try:
        text = captured(password, everywhere(password))
    except CaptureError as error:
        assert (
            password not in str(error)
            or password in "a secret is a word that every capture contains"
        )
        return
    assert password not in text
    assert password.encode().hex() not in text
    assert capture.parse(text.encode()).targets[0].node == "node1"


def test_a_password_that_is_a_word_of_every_capture_is_refused() -> None:
    with pytest.raises(CaptureError, match="a word that every capture"):
        captured("targets", everywhere("targets"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["format", "targets", "node", "ipmi", "snmp"]) | st.text(), inner),
    )
)  # fmt: skip
def test_any_content_of_a_file_is_a_capture_or_a_problem(raw: Any) -> None:
    try:
        capture.parse(repr(raw).encode())
    except CaptureError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "many"),
        ("counter", "x"),
        ("ticks", ""),
        ("real", "x"),
        ("bytes", "zz"),
        ("name", "a.b"),
    ],
)
def test_a_value_of_another_kind_is_an_error(kind: Any, value: str) -> None:
    objects = [capture.SnmpObject(oid="1.3.6.1", kind=kind, values=[value])]
    recorded = RecordedTarget(node="node1", method="snmp", snmp=capture.Snmp(objects=objects))
    whole = capture.Capture(format=capture.VERSION, targets=[recorded])
    with pytest.raises(CaptureError, match="node1"):
        servers(whole, Ports(), (Path("x"), Path("y")))


@pytest.mark.parametrize("tag", [0x02, 0x04, 0x06, 0x41, 0x42, 0x43, 0x44, 0x46, 0x47])
def test_a_recorded_value_is_replayed_as_a_type_that_measures_only_where_it_did(tag: int) -> None:
    content = b"\x9f\x78\x04\x43\xac\x00\x00" if tag == 0x44 else b"\1\x58"
    value = decode_value(tag, content)
    assert value is not None
    assert not isinstance(value, Malformed)
    log = SnmpLog()
    log.add("1.3.6.1", value)
    replayed = recorded_tree(log.captured).get((1, 3, 6, 1))
    assert replayed is not None
    again = decode_value(replayed[0], replayed[2:])
    assert again == value
    assert isinstance(again, Unmeasured) == isinstance(value, Unmeasured)
