import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from rackwatt_crds.node.collectors import AUTO, Node
from rackwatt_crds.node.collectors import Collector as Name
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_exporter.collectors.registry import COLLECTORS, collector, collector_families
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError


def test_the_document_the_registry_and_the_requirements_name_the_same_collectors() -> None:
    assert set(COLLECTORS) == set(get_args(Name)) - {AUTO} == set(REQUIREMENTS)


def test_a_collector_takes_settings_if_a_document_has_a_field_of_its_name() -> None:
    fields = set(Node.__struct_fields__)
    assert {name for name, row in COLLECTORS.items() if row.configured} == fields & set(COLLECTORS)


def test_every_family_of_a_collector_begins_with_the_node_and_is_declared_once() -> None:
    families = collector_families()
    assert all(family.labels[0] == "node" for family in families)
    assert len({family.name for family in families}) == len(families)


@pytest.mark.parametrize("name", COLLECTORS)
async def test_each_is_made_without_touching_anything_and_fails_with_a_reason(
    name: str, tmp_path: Path
) -> None:
    none = tmp_path / "none"
    host = HostPaths("n1", sysfs=none, procfs=none, devfs=none)
    made = collector(CollectorConfig(name, "nodes"), host, Secrets(tmp_path))
    with pytest.raises(ReadError):
        await made.read()
    await made.close()


@pytest.mark.parametrize("name", COLLECTORS)
async def test_auto_makes_each_that_fails_if_it_is_absent_only_where_all_of_linux_has_it(
    name: str, tmp_path: Path
) -> None:
    none = tmp_path / "none"
    host = HostPaths("n1", sysfs=none, procfs=none, devfs=none)
    made = collector(CollectorConfig(name, "nodes", automatic=True), host, Secrets(tmp_path))
    if COLLECTORS[name].everywhere:
        with pytest.raises(ReadError):
            await made.read()
    else:
        assert (await made.read()).absent is not None
    await made.close()


def test_a_collector_that_no_document_names_is_not_loaded() -> None:
    code = (
        "import sys, rackwatt_exporter.commands.run\n"
        "from rackwatt_exporter.collectors.registry import collector\n"
        "from rackwatt_exporter.config.collector import CollectorConfig\n"
        "from rackwatt_exporter.config.paths import HostPaths\n"
        "from rackwatt_exporter.config.secrets import Secrets\n"
        "from pathlib import Path\n"
        "collector(CollectorConfig('cpu', 'nodes'), HostPaths(), Secrets(Path('/none')))\n"
        "print([one for one in sys.modules if one.startswith('rackwatt_exporter.collectors.')])\n"
    )
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "collectors.cpu" in loaded
    assert "collectors.rapl" not in loaded
