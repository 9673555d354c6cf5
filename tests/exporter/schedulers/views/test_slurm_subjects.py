"""Families of prometheus-slurm-exporter for licences and diagnostics, of a real Slurm 22.05.

Its own pages of that Slurm have none of them: there, it ran both commands with `--json`.
"""

import msgspec
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rackwatt_exporter.schedulers.model.diagnostics import Cycles, Diagnostics
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import licenses, sdiag_text
from rackwatt_exporter.schedulers.views.render import render
from rackwatt_exporter.schedulers.views.slurm_subjects import FAMILIES, samples
from tests.exporter.schedulers.views.test_slurm_exporter import DATA, section, theirs


def captured() -> SchedulerSnapshot:
    """Read what the real Slurm printed."""
    read = {
        "licenses": licenses.parse_text((DATA / "licenses.txt").read_bytes()).value,
        "diagnostics": sdiag_text.parse_text((DATA / "sdiag.txt").read_bytes()).value,
    }
    return SchedulerSnapshot({}, **read)  # type: ignore[arg-type]


def page(snapshot: SchedulerSnapshot) -> dict[tuple[str, ...], float]:
    """Return the samples by the name of their family and labels."""
    return {(family.name, *labels): number for family, labels, number in samples(snapshot)}


def test_the_guide_has_a_row_for_each_family_and_for_no_other() -> None:
    rows = section("Names of licences and diagnostics")
    assert rows.keys() == {family.name for family in FAMILIES}


@pytest.mark.parametrize("mode", ["fallback", "json"])
def test_the_old_pages_have_none_of_these_families(mode: str) -> None:
    old = theirs(mode)
    assert old["slurm_lic_scrape_error"] == old["slurm_diag_scrape_error"] == {(): 1}
    assert not old.keys() & {family.name for family in FAMILIES}


def test_licences_are_those_of_scontrol_and_pools_of_one_licence_add_up() -> None:
    ours = page(captured())
    assert ours["slurm_lic_total", "ansys"] == 4
    assert ours["slurm_lic_used", "matlab"] == 3
    pools = License("fs", 2, 2, 0, nodes="n1"), License("fs", 3, 3, 0, nodes="n2")
    assert page(SchedulerSnapshot({}, licenses=pools)) == {
        ("slurm_lic_total", "fs"): 5,
        ("slurm_lic_used", "fs"): 5,
        ("slurm_lic_free", "fs"): 0,
    }


def test_diagnostics_are_those_of_sdiag_in_microseconds() -> None:
    daemon = captured().diagnostics
    assert daemon
    ours = page(captured())
    assert daemon.rpcs_by_type
    for row in daemon.rpcs_by_type:
        assert ours["slurm_rpc_msg_type_count", row.name] == row.count
        assert ours["slurm_rpc_msg_type_total_time", row.name] == row.time_us
        assert ours["slurm_rpc_msg_type_avg_time", row.name] == row.time_us // row.count
    for row in daemon.rpcs_by_user:
        assert ours["slurm_rpc_user_count", row.name] == row.count
        assert ours["slurm_rpc_user_total_time", row.name] == row.time_us
    assert ours["slurm_daemon_thread_count",] == daemon.threads
    assert ours["slurm_backfill_last_depth",] == daemon.backfilled.last_depth


@pytest.mark.parametrize(
    ("cycles", "spent_us"),
    [
        (Cycles(4, mean_us=292), 1168),
        (Cycles(4, mean_us=208, sum_us=834), 834),
        (Cycles(0), 0),
        (Cycles(4), None),
    ],
)
def test_the_time_of_backfill_cycles_is_their_sum_or_their_mean_times_their_number(
    cycles: Cycles, spent_us: int | None
) -> None:
    ours = page(SchedulerSnapshot({}, diagnostics=Diagnostics(backfill=cycles)))
    assert ours.get(("slurm_backfill_cycle_count",)) == spent_us
    assert ours["slurm_backfill_cycle_counter",] == cycles.count


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_page_parses_in_both_formats_with_families_as_declared(openmetrics: bool) -> None:
    remote = License("m@flex", 10, 2, 8, 0, remote=True, last_consumed=9, last_deficit=1)
    snapshot = msgspec.structs.replace(captured(), licenses=(remote,))
    rendered = render(("prod", "alpha"), samples(snapshot), None)
    text = "".join(
        family.header(openmetrics) + "".join(lines) for family, lines in rendered.items()
    )
    parsed = parse_openmetrics(f"{text}# EOF\n") if openmetrics else parse_text(text)
    found = {one.name: (one.type, frozenset(one.samples[0].labels)) for one in parsed}
    assert found == {family.name: ("gauge", frozenset(family.labels)) for family in FAMILIES}


def test_help_says_mean_of_the_mean_and_not_of_the_total() -> None:
    helps = {family.name: family.help for family in FAMILIES if "_rpc_" in family.name}
    means = {name for name, text in helps.items() if "mean" in text.lower()}
    assert means == {"slurm_rpc_msg_type_avg_time"}
    assert len(helps) == 5
