import pytest

from rackwatt_accounting.sources.slurm.tres import Allocation, allocation, split_energy


@pytest.mark.parametrize(
    ("text", "gpus"),
    [
        ("gres/gpu=2", 2),
        ("gres/gpu:a100=2,gres/gpu=2", 2),
        ("gres/gpu=3,gres/gpu:a100=1,gres/gpu:h100=2", 3),
        ("gres/gpu:a100=1,gres/gpu:h100=2", 3),
        ("gres/gpu:1g.10gb=7,gres/gpu=7", 7),
        ("gres/shard=4", 0),
        ("cpu=4", 0),
    ],
)
def test_gpus_count_once_whether_they_have_a_type_or_a_sum_or_both(text: str, gpus: int) -> None:
    assert allocation(text).gpus == gpus


@pytest.mark.parametrize(
    ("memory", "mib"),
    [
        ("320M", 320),
        ("320.50G", 328_192),
        ("1T", 2**20),
        ("4000", 4000),
        ("62.50G", 64_000),
        ("2048K", 2),
    ],
)
def test_memory_is_read_in_any_unit_and_in_mib_without_one(memory: str, mib: int) -> None:
    assert allocation(f"cpu=1,mem={memory}").memory_mib == mib


def test_a_text_is_the_same_in_whichever_order_and_unit_slurm_writes_it() -> None:
    expected = Allocation(
        "billing=8,cpu=4,gres/gpu=2,gres/gpu:a100=2,mem=1024M,node=1", 4, 1, 2, 1024, 8
    )
    assert allocation("cpu=4,mem=1G,node=1,billing=8,gres/gpu:a100=2,gres/gpu=2") == expected
    assert allocation("billing=8,cpu=4,gres/gpu=2,gres/gpu:a100=2,mem=1024M,node=1") == expected


def test_nothing_allocated_is_nothing() -> None:
    assert allocation("") == Allocation()


def test_an_amount_that_cannot_be_read_hides_no_other() -> None:
    assert allocation("cpu=4,license/x=many,mem=1M").memory_mib == 1


@pytest.mark.parametrize(
    ("text", "rest", "joules"),
    [
        ("billing=1,cpu=1,energy=5000,mem=1M", "billing=1,cpu=1,mem=1M", 5000),
        ("energy=5000,cpu=1", "cpu=1", 5000),
        ("cpu=1,energy=5000", "cpu=1", 5000),
        ("energy=5000", "", 5000),
        ("cpu=1,gres/energy=9", "cpu=1,gres/energy=9", None),
        ("cpu=1,energy=0", "cpu=1", None),
        ("cpu=1,energy=18446744073709551614", "cpu=1", None),
        ("cpu=1,energy=4294967294", "cpu=1", None),
        ("cpu=1", "cpu=1", None),
    ],
)
def test_energy_is_taken_out_and_is_none_where_slurm_measured_none(
    text: str, rest: str, joules: int | None
) -> None:
    assert split_energy(text) == (rest, joules)
