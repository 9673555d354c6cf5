"""Documents that come, change, break and go in any order: what stays keeps all that is known of it."""

import asyncio
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rackwatt_crds.loading import load
from rackwatt_exporter.config.fleet import resolve_fleet
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.store.targets import TargetRecord
from tests.virtual_time import VirtualTimeLoop

FILES = ("a", "b")
ENTRY = st.tuples(
    st.sampled_from(["n1", "n2", "n[3-4]", "n[1-2]"]),
    st.sampled_from(["r1", "r2"]),
    st.sampled_from([1, 2]),
)
GOOD = st.lists(ENTRY, min_size=1, max_size=3)
BROKEN = st.sampled_from([b"kind: [", b"\xff", b"spec: {}\n", b"apiVersion: rackwatt.dev/v1alpha1"])
MISTAKEN = st.just("mistaken")  # a document that is known by its name, and has a problem


def document(name: str, entries: list[tuple[str, str, int]], more: str = "") -> bytes:
    hosts = "".join(
        f"    - {{names: '{names}', rack: {rack}, fake: {{seed: {seed}}}}}\n"
        for names, rack, seed in entries
    )
    return (
        f"apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {{name: {name}}}\n"
        f"spec:\n  interval: 1s\n{more}  bmc:\n    method: fake\n    hosts:\n{hosts}"
    ).encode()


class AnyDocuments(RuleBasedStateMachine):
    """`good` is what counts of each file: the last that could be read, until the file is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.texts: dict[str, bytes] = {}
        self.good: dict[str, bytes] = {}
        self.seen: dict[str, tuple[TargetRecord, int, float, object]] = {}

    @initialize()
    def start(self) -> None:
        async def made() -> Exporter:
            return Exporter((), Secrets(Path("/nonexistent")))

        self.exporter = self.loop.run_until_complete(made())

    @rule(file=st.sampled_from(FILES), entries=GOOD)
    def write(self, file: str, entries: list[tuple[str, str, int]]) -> None:
        self.texts[file] = self.good[file] = document(file, entries)
        self._reload()

    @rule(file=st.sampled_from(FILES), garbage=BROKEN)
    def spoil(self, file: str, garbage: bytes) -> None:
        self.texts[file] = garbage
        self._reload()

    @rule(file=st.sampled_from(FILES))
    def mistake(self, file: str) -> None:
        self.texts[file] = document(file, [("n1", "r1", 1)], "  intervall: 1s\n")
        self._reload()

    @rule(file=st.sampled_from(FILES))
    def remove(self, file: str) -> None:
        self.texts.pop(file, None)
        self.good.pop(file, None)
        self._reload()

    @rule(for_s=st.sampled_from([0.0, 1.5, 12.0]))
    def wait(self, for_s: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(for_s))

    def _reload(self) -> None:
        async def reload() -> None:
            self._reload_and_compare()

        self.loop.run_until_complete(reload())

    def _reload_and_compare(self) -> None:
        """Reload, and compare what stayed with what was known of it just before.

        No poller runs meanwhile: it is one step of the event loop.
        """
        before = {
            node: (
                record,
                record.reads,
                self.exporter.targets.account(node).served_joules,
                record.value,
            )
            for node, record in self.exporter.targets.records.items()
        }
        pollers = dict(self.exporter.registry.targets._pollers._pollers)
        access = {
            node: target.connection_key for node, target in self.exporter.fleet.targets.items()
        }
        loaded = [one for file in FILES for one in load(self.texts.get(file, b""), file)]
        self.exporter._apply(resolve_fleet(loaded, self.exporter.fleet.documents))
        for node, record in self.exporter.targets.records.items():
            if node in before:
                was, reads, joules, reading = before[node]
                assert record is was
                assert record.reads == reads
                assert self.exporter.targets.account(node).served_joules >= joules
                assert record.value is reading
                if self.exporter.fleet.targets[node].connection_key == access[node]:
                    assert (
                        self.exporter.registry.targets._pollers._pollers[node][1]
                        is pollers[node][1]
                    )

    @invariant()
    def the_targets_are_those_of_the_documents_that_count(self) -> None:
        if not hasattr(self, "exporter"):
            return
        expected = resolve_fleet(
            [one for file in FILES for one in load(self.good.get(file, b""), file)]
        )
        assert {n: t.rack for n, t in self.exporter.fleet.targets.items()} == {
            n: t.rack for n, t in expected.targets.items()
        }
        assert self.exporter.targets.records.keys() == expected.targets.keys()
        exposition = self.exporter.exposition
        text = b"".join(exposition.text(exposition.snapshot(0.0), False)).decode()
        shown = [line for line in text.splitlines() if line.startswith("rackwatt_target_info{")]
        assert len(shown) == len(expected.targets)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.exporter.close())
        assert not asyncio.all_tasks(self.loop)
        assert not self.loop.broken
        self.loop.close()


AnyDocuments.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
test_a_reload_keeps_unchanged_targets_in_any_order_of_changes = AnyDocuments.TestCase
