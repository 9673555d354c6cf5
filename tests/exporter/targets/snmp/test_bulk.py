"""Tables of agents that know no GETBULK, or whose lists go wrong."""

from collections.abc import Callable

import pytest

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter import ber
from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.protocols.snmp import client as protocol
from rackwatt_exporter.reading import Reason
from tests.exporter.targets.snmp.agents import Sources, reason_of
from tests.peers.raw_agent import GET, GET_BULK, GET_NEXT, RawAgent, answered, raw_agent

# The loop that the exporter runs on.
LOOPS = ("attended",)

COLUMN = "1.3.6.1.4.1.1718.4.1.3.3.1.3"
FEEDS = {f"{COLUMN}.1.{feed}": ber.integer(watts) for feed, watts in ((1, 1500), (2, 900))}
TABLE = OidOptions(COLUMN, where=Row(oid=COLUMN))
GEN_ERR, TOO_BIG, NO_SUCH_NAME = 5, 1, 2
Answer = Callable[[bytes], bytes | None]


def on(kind: int, otherwise: Answer, agent: RawAgent) -> None:
    """Answer requests of one kind in another way."""
    agent.fate = lambda request, answer: otherwise(answer) if request == kind else answer


NO_BULK: dict[str, Answer] = {
    "silence": lambda _: None,
    "genErr": lambda answer: answered(answer, GEN_ERR, 1),
    "tooBig": lambda answer: answered(answer, TOO_BIG, 0, b""),
    "noSuchName": lambda answer: answered(answer, NO_SUCH_NAME, 1),
    "nothing": lambda answer: answered(answer, objects=b""),
    "an answer that is cut": lambda answer: answer[:-4],
}


@pytest.mark.parametrize("retries", [0, 1, 2])
@pytest.mark.parametrize("name", NO_BULK)
async def test_an_agent_without_getbulk_is_read_by_getnext_within_the_deadline(
    source: Sources, name: str, retries: int
) -> None:
    async with raw_agent(FEEDS) as agent:
        on(GET_BULK, NO_BULK[name], agent)
        reader = source(agent.address, TABLE, timeout_s=0.6, retries=retries)
        assert (await reader.read()).watts == 2400
        assert agent.kinds.count(GET_BULK) == 1


async def test_an_agent_without_getbulk_is_sent_another_after_an_hour(
    source: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw_agent(FEEDS) as agent:
        on(GET_BULK, NO_BULK["genErr"], agent)
        monkeypatch.setattr(protocol, "NO_BULK_S", -1.0)
        reader = source(agent.address, TABLE)
        await reader.read()
        assert agent.kinds.count(GET_BULK) == 3  # two rows, and what follows them


async def test_an_agent_that_answers_get_alone_fails_without_its_community_in_the_message(
    source: Sources,
) -> None:
    async with raw_agent(FEEDS) as agent:
        agent.fate = lambda kind, answer: answer if kind == GET else None
        reason, message = await reason_of(source(agent.address, TABLE, timeout_s=0.3))
        assert reason is Reason.TIMEOUT
        for word in ("GETBULK", "GETNEXT", 'version: "1"'):
            assert word in message
        assert "community" not in message


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_a_list_that_goes_in_a_circle_is_a_bad_reply(source: Sources, version: str) -> None:
    def first_row(answer: bytes) -> bytes:
        oid = ber.oid(tuple(map(int, f"{COLUMN}.1.1".split("."))))
        return answered(answer, objects=ber.sequence(oid, ber.integer(1500)))

    async with raw_agent(FEEDS) as agent:
        agent.fate = lambda kind, answer: answer if kind == GET else first_row(answer)
        reason, message = await reason_of(source(agent.address, TABLE, version=version))
        assert reason is Reason.BAD_REPLY
        assert f"after {COLUMN}.1.1 comes {COLUMN}.1.1 again" in message


async def test_a_list_in_another_order_is_read_whole(source: Sources) -> None:
    order = [f"{COLUMN}.1", f"{COLUMN}.10", f"{COLUMN}.2"]
    listed = b"".join(
        ber.sequence(ber.oid(tuple(map(int, oid.split(".")))), ber.integer(100)) for oid in order
    )
    end = ber.sequence(ber.oid((1, 3, 6, 1, 5)), ber.integer(1))
    async with raw_agent(dict.fromkeys(order, ber.integer(100))) as agent:
        on(GET_BULK, lambda answer: answered(answer, objects=listed + end), agent)
        assert (await source(agent.address, TABLE).read()).watts == 300


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (GEN_ERR, Reason.SENSOR_UNREADABLE),
        (16, Reason.PRIVILEGE_INSUFFICIENT),
        (6, Reason.PRIVILEGE_INSUFFICIENT),
        (13, Reason.BAD_REPLY),
        (99, Reason.BAD_REPLY),
        (-1, Reason.BAD_REPLY),
    ],
)
async def test_an_error_status_has_a_reason_that_names_the_object(
    source: Sources, status: int, reason: Reason
) -> None:
    async with raw_agent(FEEDS) as agent:
        on(GET, lambda answer: answered(answer, status, 2), agent)
        found, message = await reason_of(source(agent.address, *FEEDS))
        assert (found, list(FEEDS)[1] in message) == (reason, True)


@pytest.mark.parametrize("failed", [0, -1, 3, 99])
async def test_an_error_status_about_no_object_is_tried_with_fewer(
    source: Sources, failed: int
) -> None:
    def unless_one(answer: bytes) -> bytes:
        _, _, pdu = ber.element(answer).children()
        many = len(pdu.children()[3].children()) > 1
        return answered(answer, GEN_ERR, failed) if many else answer

    async with raw_agent(FEEDS) as agent:
        on(GET, unless_one, agent)
        assert (await source(agent.address, *FEEDS).read()).watts == 2400


async def test_an_answer_that_leaves_objects_out_is_completed(source: Sources) -> None:
    def first_alone(answer: bytes) -> bytes:
        _, _, pdu = ber.element(answer).children()
        first = pdu.children()[3].children()[0]
        return answered(answer, objects=ber.encoded(ber.SEQUENCE, first.content))

    async with raw_agent(FEEDS) as agent:
        on(GET, first_alone, agent)
        assert (await source(agent.address, *FEEDS).read()).watts == 2400


async def test_the_answer_about_another_object_is_never_its_value(source: Sources) -> None:
    other = ber.sequence(ber.oid((1, 3, 6, 1, 5)), ber.integer(344))
    async with raw_agent(FEEDS) as agent:
        on(GET, lambda answer: answered(answer, objects=other), agent)
        reason, _ = await reason_of(source(agent.address, *FEEDS))
        assert reason is Reason.NO_POWER_SENSOR
    assert GET_NEXT not in agent.kinds
