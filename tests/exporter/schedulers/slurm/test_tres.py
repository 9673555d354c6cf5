"""TRES and GRES as each version of Slurm writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm.tres import parse_gres, parse_memory, parse_tres

MIB, GIB, TIB = 2**20, 2**30, 2**40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu=4,mem=1000M,node=2,billing=4", Resources(4, 1000 * MIB)),
        (
            "cpu=4,mem=1G,node=2,billing=4,gres/gpu=2,gres/gpu:a100=2",
            Resources(4, GIB, (Gres("gpu", 2, "a100"),)),
        ),
        ("cpu=1,mem=2T,node=1,gres/gpu=2", Resources(1, 2 * TIB, (Gres("gpu", 2),))),
        ("cpu=8,mem=500,gres/gpu=0", Resources(8, 500 * MIB, ())),
        ("cpu=8,mem=1.5G", Resources(8, 3 * GIB // 2)),
        ("cpu=many,mem=-1M,gres/gpu=x", Resources()),
        ("N/A", Resources()),
        ("", Resources()),
    ],
)
def test_tres_are_resources_in_base_units_and_gres_count_once(
    text: str, expected: Resources
) -> None:
    assert parse_tres(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpu:8", (Gres("gpu", 8),)),
        ("gpu", (Gres("gpu", 1),)),
        ("gpu:tesla", (Gres("gpu", 1, "tesla"),)),
        ("gpu:tesla:2,gpu:kepler:2", (Gres("gpu", 2, "kepler"), Gres("gpu", 2, "tesla"))),
        ("gpu:a100:3(IDX:0,2-3)", (Gres("gpu", 3, "a100"),)),
        ("gpu:a100:8(S:0-1)", (Gres("gpu", 8, "a100"),)),
        ("gpu:nvidia_h200_nvl_4g.71gb:2", (Gres("gpu", 2, "nvidia_h200_nvl_4g.71gb"),)),
        ("gpu:h100:4(S:0),shard:16(S:0)", (Gres("gpu", 4, "h100"), Gres("shard", 16))),
        ("gres:gpu:h100:2", (Gres("gpu", 2, "h100"),)),
        ("gres/gpu:h100:2", (Gres("gpu", 2, "h100"),)),
        ("gres/gpu:2", (Gres("gpu", 2),)),
        ("bandwidth:lustre:no_consume:4K", (Gres("bandwidth", 4096, "lustre"),)),
        ("gpu:h100:0(IDX:N/A)", ()),
        ("gpu:0", ()),
        ("(null)", ()),
        ("N/A", ()),
        ("", ()),
        ("gpu:8 and more", None),
        ("=", None),
    ],
)
def test_gres_of_every_spelling_are_read(text: str, expected: tuple[Gres, ...] | None) -> None:
    assert parse_gres(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("500M", 500 * MIB), ("1G", GIB), ("2P", 2**51), ("7", 7 * MIB), ("N/A", None)],
)
def test_memory_is_bytes_and_its_units_are_powers_of_1024(text: str, expected: int | None) -> None:
    assert parse_memory(text) == expected


@given(st.text() | st.from_regex(r"[a-z/:=0-9KMG.,()]*", fullmatch=True))
def test_any_text_is_resources_or_nothing(text: str) -> None:
    parse_tres(text)
    assert all(gres.count > 0 for gres in parse_gres(text) or ())
