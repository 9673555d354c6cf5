import json
from pathlib import Path

import pytest

from tests.exporter.running_exporter import RunningExporter, power_target

LOOPS = ("attended",)

FLEET = "[{names: n1, address: 127.3.0.1, type: core, rack: r1}, {names: 'ü\"2'}]"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "lab.yaml").write_text(power_target(FLEET, spec="interval: 1h"))
    return tmp_path


async def test_every_target_is_listed_with_its_meta_labels(directory: Path) -> None:
    async with RunningExporter(directory) as site, site.get("/targets") as response:
        assert response.headers["Content-Type"] == "application/json"
        first, second = json.loads(await response.text())
    assert first == {
        "targets": ["n1"],
        "labels": {
            "__meta_rackwatt_node": "n1",
            "__meta_rackwatt_type": "core",
            "__meta_rackwatt_rack": "r1",
            "__meta_rackwatt_method": "fake",
            "__meta_rackwatt_address": "127.3.0.1",
            "__meta_rackwatt_powertarget": "lab",
        },
    }
    assert second["targets"] == ['ü"2']


async def test_a_client_that_has_the_list_gets_304(directory: Path) -> None:
    async with RunningExporter(directory) as site:
        async with site.get("/targets") as response:
            etag = response.headers["ETag"]
        for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
            async with site.get("/targets", **{"If-None-Match": known}) as response:
                assert response.status == 304
                assert response.headers["ETag"] == etag
                assert await response.read() == b""
        await site.exporter.reload()
        async with site.get("/targets", **{"If-None-Match": etag}) as response:
            assert response.status == 304
        (directory / "lab.yaml").write_text(power_target("[{names: n9}]"))
        await site.exporter.reload()
        async with site.get("/targets", **{"If-None-Match": etag}) as response:
            assert response.status == 200
            assert response.headers["ETag"] != etag
            assert [one["targets"] for one in await response.json()] == [["n9"]]


async def test_no_targets_are_an_empty_list(directory: Path) -> None:
    (directory / "lab.yaml").write_text("")
    async with RunningExporter(directory) as site:
        assert await site.text("/targets") == "[]"


async def test_a_long_list_is_compressed(directory: Path) -> None:
    (directory / "lab.yaml").write_text(power_target('[{names: "n[1-1000]"}]', spec="interval: 1h"))
    async with RunningExporter(directory) as site, site.get("/targets") as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(await response.json()) == 1000
