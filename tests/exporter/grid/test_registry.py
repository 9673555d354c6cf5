"""Each provider of documents has its reader."""

from rackwatt_crds import kinds
from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.registry import PROVIDERS, provider


def test_every_provider_of_documents_has_its_reader_and_no_other() -> None:
    assert set(PROVIDERS) == set(kinds.PROVIDERS)


async def test_the_static_provider_reads_the_figure_of_the_document() -> None:
    settings = StaticIntensity(grams_per_kilowatt_hour=56.0)
    made = provider(GridConfig("a", "FR", "static", settings))
    assert (await made.read()).grams_per_kilowatt_hour == 56.0
    await made.close()
