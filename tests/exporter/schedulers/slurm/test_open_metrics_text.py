"""The text of slurmctld's metrics: what is written is read, and nothing else is believed."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm import open_metrics_text as metrics

FAMILIES = st.from_regex(r"slurm_[a-z_]{1,20}", fullmatch=True)
LABELS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20
)
COUNTS = st.integers(0, MAX_COUNT)
LINES = st.sampled_from(
    ["slurm_nodes 1", 'slurm_user_jobs_pending{username="a"} 1', "# TYPE a gauge", "slurm_jobs -1"]
)


def escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"")


@given(st.dictionaries(FAMILIES, st.dictionaries(LABELS, COUNTS, min_size=1)))
def test_samples_with_a_label_are_those_that_were_written(
    families: dict[str, dict[str, int]],
) -> None:
    body = "".join(
        f'# TYPE {family} gauge\n{family}{{username="{escaped(label)}"}} {count}\n'
        for family, labelled in families.items()
        for label, count in labelled.items()
    )
    assert metrics.parse_samples(body.encode()).labelled == families


@given(st.dictionaries(FAMILIES, COUNTS))
def test_totals_are_those_that_were_written(families: dict[str, int]) -> None:
    body = "".join(f'{name} {count}\n{name}{{node="n1"}} 7\n' for name, count in families.items())
    assert metrics.parse_totals(body.encode()) == families
    assert metrics.parse_samples(body.encode()).totals == families


@given(st.binary() | st.lists(LINES | st.text(max_size=30)).map(lambda ls: "\n".join(ls).encode()))
def test_any_answer_is_read_or_a_bad_reply(body: bytes) -> None:
    samples, totals = metrics.parse_samples(body), metrics.parse_totals(body)
    assert samples.totals == totals
    for read in (metrics.node_numbers, metrics.jobs_by_base, metrics.diagnostics):
        with contextlib.suppress(ReadError):
            read(totals)
    with contextlib.suppress(ReadError):
        metrics.queues(samples)
    metrics.jobs_by_label(samples, "user")


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"slurm_nodes{} 1", b"slurm_nodes 1.5"])
def test_a_page_without_the_number_of_nodes_is_no_cluster_without_nodes(body: bytes) -> None:
    with pytest.raises(ReadError, match="/metrics/nodes has no slurm_nodes") as caught:
        metrics.node_numbers(metrics.parse_totals(body))
    assert caught.value.reason is Reason.BAD_REPLY


def test_nodes_in_a_base_state_that_has_no_name_here_are_unread() -> None:
    totals = {"slurm_nodes": 5, "slurm_nodes_idle": 2, "slurm_nodes_asleep": 3}
    assert metrics.node_numbers(totals) == ({"idle": 2}, {}, 3)


def test_nodes_that_drain_are_those_that_have_drained_and_those_that_still_work() -> None:
    totals = {
        "slurm_nodes": 4, "slurm_nodes_idle": 4,
        "slurm_nodes_drain": 2, "slurm_nodes_drained": 3, "slurm_nodes_draining": 1,
    }  # fmt: skip
    assert metrics.node_numbers(totals).by_flag == {"drain": 4}


def test_gpus_of_a_partition_are_known_where_slurm_counts_any() -> None:
    body = b"slurm_partitions 2\n" + b"".join(
        b'slurm_partition_nodes{partition="%b"} 1\nslurm_partition_cpus{partition="%b"} 8\n'
        b'slurm_partition_gpus{partition="%b"} %d\n' % (name, name, name, gpus)
        for name, gpus in ((b"gpu", 4), (b"cpu", 0))
    )
    assert metrics.queues(metrics.parse_samples(body)) == (
        Queue("cpu", nodes=1, total=Resources(8)),
        Queue("gpu", nodes=1, total=Resources(8, gres=(Gres("gpu", 4),))),
    )
