"""docs/api-versioning.md: the versions that it names are those of the code."""

from pathlib import Path

import yaml

from rackwatt_crds import __version__
from rackwatt_crds.document import API_VERSION
from rackwatt_exporter import capture
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.store.ledger import EnergyAccount
from rackwatt_exporter.store.ledger_file import FILE, LedgerFile

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/api-versioning.md").read_text()


def test_the_page_names_the_version_of_the_programs_and_the_chart() -> None:
    chart = yaml.safe_load((ROOT / "charts/rackwatt/Chart.yaml").read_text())
    assert chart["version"] == __version__
    assert f"The version of both programs and of the chart is {__version__}" in PAGE


def test_the_page_names_the_only_version_of_the_api() -> None:
    for path in ROOT.glob("crds/*.yaml"):
        (version,) = yaml.safe_load(path.read_text())["spec"]["versions"]
        assert version["served"]
        assert version["storage"]
        assert f"`rackwatt.dev/{version['name']}`" in PAGE
    assert f"`{API_VERSION}`" in PAGE


def test_the_page_names_the_versions_of_the_relay_and_of_captures() -> None:
    assert f"`version={relay.MAJOR}.{relay.MINOR}` in the media type" in PAGE
    assert f"`{relay.path('NAME')}`" in PAGE
    assert f"`format: {capture.VERSION}`" in PAGE


async def test_the_page_names_the_version_of_the_ledger(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    file.accounts["n1"] = EnergyAccount()
    await file.save(0.0, wanted={"n1"})
    first, *_ = (tmp_path / FILE).read_text().splitlines()
    assert f"`{first.replace(':', ': ')}` in its first line" in PAGE
