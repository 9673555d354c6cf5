"""How long it is believed that a BMC has no DCMI."""

import pytest

from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.ipmi.dcmi_absence import RECHECK_S, DcmiAbsence, DcmiSilence
from tests.exporter.targets.ipmi.scripted_bmc import ScriptedBmc
from tests.virtual_time import run

UNKNOWN = CompletionError("DCMI Get Power Reading", 0xC1)


class Clock:
    now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def test_an_absence_is_believed_for_ten_minutes() -> None:
    clock = Clock()
    absence = DcmiAbsence(clock)
    believed = [absence.assumed]
    absence.failed(UNKNOWN)
    for passed_s in (0.0, RECHECK_S - 1, 1.0):
        clock.now_s += passed_s
        believed.append(absence.assumed)
    assert believed == [False, True, True, False]


def test_an_absence_is_not_believed_of_a_bmc_that_had_dcmi() -> None:
    absence = DcmiAbsence()
    absence.succeeded()
    absence.failed(UNKNOWN)
    assert not absence.assumed


@pytest.mark.parametrize("code", [0xC0, 0xC3, 0xCB, 0xD3, 0xD4, 0xD5, 0xFF, 0x80])
def test_an_absence_is_not_believed_for_a_code_that_does_not_say_so(code: int) -> None:
    absence = DcmiAbsence()
    absence.failed(CompletionError("DCMI Get Power Reading", code))
    assert not absence.assumed


def test_an_absence_is_not_believed_for_an_answer_without_watts() -> None:
    absence = DcmiAbsence()
    absence.failed(ReadError(Reason.NO_POWER_SENSOR, "DCMI says 0 W"))
    assert not absence.assumed


def test_silence_is_believed_for_ten_minutes_of_its_session() -> None:
    async def story() -> list[bool]:
        clock = Clock()
        silence, silent, other = DcmiSilence(clock), ScriptedBmc({}).session(), ScriptedBmc({})
        believed = [silence.assumed(silent)]
        silence.failed(silent)
        believed.append(silence.assumed(other.session()))
        for passed_s in (0.0, RECHECK_S - 1, 1.0):
            clock.now_s += passed_s
            believed.append(silence.assumed(silent))
        return believed

    assert run(story()) == [False, False, True, True, False]
