import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rackwatt_exporter.exposition.snapshot import FleetSnapshot
from rackwatt_exporter.web.compression import _MIN_FAST_BYTES, _compressed, wants_gzip
from rackwatt_exporter.web.metrics import _BLOCK_BYTES, _blocks
from tests.exporter.running_exporter import RunningExporter, power_target

LOOPS = ("attended",)

FLEET = "[{names: n1, type: core, rack: r1}, {names: n10}, {names: bad, adress: y}]"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(power_target(FLEET))
    return tmp_path


def is_read_once(text: str) -> bool:
    """Return whether n1 was read, by its own poller: at intervals of an hour it is not read again."""
    return 'reads_total{node="n1"} 1\n' in text


def lines(text: str) -> set[str]:
    return {line for line in text.splitlines() if "_age_" not in line and "# EOF" not in line}


async def test_a_probe_has_exactly_the_series_of_one_node(directory: Path) -> None:
    (directory / "lab.yaml").write_text(power_target(FLEET, spec="interval: 1h"))
    async with RunningExporter(directory) as site:
        await site.until(is_read_once)
        page, probe = await site.text(), await site.text("/probe?target=n1")
        of_n1 = {line for line in lines(page) if 'node="n1"' in line}
        samples = {line for line in lines(probe) if not line.startswith("#")}
        assert samples == {*of_n1, "probe_success 1"}
        assert {line for line in lines(probe) if line.startswith("#")} <= {
            *lines(page),
            *(line for line in probe.splitlines() if " probe_success " in line),
        }
        families = {metric.name: metric for metric in parse_text(probe)}
        assert families["node_power_usage"].samples[0].labels["node"] == "n1"
        assert all(metric.documentation for metric in families.values())
        assert "rackwatt_target_reading_age_seconds" in families


async def test_a_probe_of_a_target_that_fails_is_answered_and_says_so(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        text = await site.until(lambda text: "errors_total{" in text, "/probe?target=bad")
        assert "\nprobe_success 0\n" in text
        assert 'rackwatt_target_up{node="bad"} 0\n' in text
        assert "_watts{" not in text


async def test_a_probe_never_asks_the_target_anything(directory: Path) -> None:
    (directory / "lab.yaml").write_text(power_target("[{names: n1}]", spec="interval: 1h"))
    async with RunningExporter(directory) as site:
        await site.until(is_read_once)
        for _ in range(20):
            assert 'reads_total{node="n1"} 1\n' in await site.text("/probe?target=n1")


async def test_a_probe_withdraws_stale_values(directory: Path) -> None:
    (directory / "lab.yaml").write_text(power_target("[{names: n1}]", spec="interval: 1h"))
    async with RunningExporter(directory) as site:
        await site.until(is_read_once)
        assert "node_power_watts{" in await site.text("/probe?target=n1")
        record = site.exporter.targets.records["n1"]
        assert record.read_at_s
        record.read_at_s -= 10 * 3600
        text = await site.text("/probe?target=n1")
        assert "node_power_watts{" not in text
        assert "node_power_usage{" not in text
        assert "reading_age_seconds" in text
        assert "joules_total" in text


@pytest.mark.parametrize("target", ["n2", "127.0.0.1", "http://127.0.0.1:1/", "n1%0A", "N1", "%3Cb%3E"])  # fmt: skip
async def test_a_probe_of_an_unknown_target_is_404(directory: Path, target: str) -> None:
    async with RunningExporter(directory) as site, site.get(f"/probe?target={target}") as response:
        assert response.status == 404
        assert "not an address" in await response.text()
        assert response.headers["Content-Type"].startswith("text/plain")


async def test_a_probe_without_a_target_says_what_is_missing(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        for path in ("/probe", "/probe?target=", "/probe?node=n1"):
            async with site.get(path) as response:
                assert response.status == 400
                assert "/probe?target=NODE" in await response.text()


async def test_a_probe_is_in_openmetrics_where_the_client_accepts_it(directory: Path) -> None:
    accepted = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    async with RunningExporter(directory) as site:
        await site.until(lambda text: "\nprobe_success 1\n" in text, "/probe?target=n1")
        async with site.get("/probe?target=n1", **accepted) as response:
            assert response.headers["Content-Type"].startswith("application/openmetrics-text")
            text = await response.text()
        assert text.endswith("# EOF\n")
        names = [metric.name for metric in parse_openmetrics(text)]
        assert names[0] == "probe_success"
        assert "rackwatt_node_power_watts" in names


async def test_scrapes_at_once_share_one_page_and_later_ones_have_another(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "lab.yaml").write_text(power_target('[{names: "n[1-2000]"}]', spec="interval: 1h"))
    async with RunningExporter(directory) as site:
        rendered = 0
        snapshot = site.exporter.exposition.snapshot

        def counted(*arguments: Any) -> FleetSnapshot:
            nonlocal rendered
            rendered += 1
            return snapshot(*arguments)

        monkeypatch.setattr(site.exporter.exposition, "snapshot", counted)
        texts = await asyncio.gather(*(site.text() for _ in range(20)))
        assert rendered < 20
        assert all(text.count("rackwatt_target_info{") == 2000 for text in texts)
        before = rendered
        await site.text()
        assert rendered == before + 1


@given(st.lists(st.integers(0, 3 * _BLOCK_BYTES), max_size=20))
def test_blocks_are_the_page_and_a_part_of_many_lines_is_passed_on_without_a_copy(
    sizes: list[int],
) -> None:
    parts = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    blocks = list(_blocks(parts))
    assert b"".join(blocks) == b"".join(parts)
    for part in parts:
        if len(part) >= _BLOCK_BYTES:
            assert any(block is part for block in blocks)
    small = [block for block in blocks if len(block) < _BLOCK_BYTES]
    large = sum(len(part) >= _BLOCK_BYTES for part in parts)
    assert len(small) <= large + 1, "what is small goes together"


@pytest.mark.parametrize(
    "size", [0, 1, 1024, _MIN_FAST_BYTES - 1, _MIN_FAST_BYTES, 4 * _MIN_FAST_BYTES]
)
def test_a_compressed_body_decompresses_to_the_same_bytes(size: int) -> None:
    lines = b"".join(b'rackwatt_target_up{node="n%d"} 1\n' % number for number in range(size // 20))
    page = lines[:size].ljust(size, b"#")
    parts = [page[at : at + 50_000] for at in range(0, size, 50_000)]
    assert gzip.decompress(_compressed(parts)) == page


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("GZIP", True),
        ("br;q=1, gzip; q=0.1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
        ("gzipped", False),
        ("br, deflate", False),
    ],
)
def test_gzip_is_wanted_where_it_is_named_and_not_to_forbid_it(accept: str, wanted: bool) -> None:
    assert wants_gzip(accept) == wanted
