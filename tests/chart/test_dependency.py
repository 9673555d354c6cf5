"""The chart as a dependency of another: condition, alias and globals."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.rendering import CHART, MONITORING, RefusedError, plain, rendered
from tests.chart.test_rendering import read_defaults


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = tmp_path_factory.mktemp("parent")
    shutil.copytree(CHART, parent / "charts/rackwatt")
    return parent


def parent(folder: Path, values: dict[str, Any] | None = None, **dependency: str) -> Path:
    """Write a chart that depends on ours, with `condition` or `alias` in its dependency."""
    wanted = {"name": "rackwatt", "version": "*", "repository": "", **dependency}
    about = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [wanted]}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about))
    (folder / "values.yaml").write_text(yaml.safe_dump(values or {}))
    return folder


def test_it_renders_as_it_does_alone(folder: Path) -> None:
    chart = parent(folder, condition="rackwatt.enabled")
    assert rendered({}, *MONITORING, chart=chart) == plain()
    assert rendered({"rackwatt": {"enabled": True}}, *MONITORING, chart=chart) == plain()


@pytest.mark.parametrize("condition", ["rackwatt.enabled", "power.enabled", "global.power"])
def test_with_its_condition_false_it_renders_nothing(folder: Path, condition: str) -> None:
    chart = parent(folder, condition=condition)
    values: Any = False
    for key in reversed(condition.split(".")):
        values = {key: values}
    assert rendered(values, chart=chart) == {}


def test_alone_enabled_false_is_refused_where_it_would_install_all_the_same() -> None:
    with pytest.raises(RefusedError, match="at '/enabled'"):
        rendered({"enabled": False})


def test_under_an_alias_it_renders_the_same_under_that_name(folder: Path) -> None:
    chart = parent(folder, alias="watts", condition="watts.enabled")
    aliased = rendered({"watts": {"enabled": True}}, *MONITORING, chart=chart)
    renamed = yaml.safe_dump_all(list(aliased.values())).replace("rackwatt-watts", "rackwatt")
    renamed = renamed.replace("watts-0", "rackwatt-0")
    same = list(yaml.safe_load_all(renamed))
    stamp = plain().only("Deployment")["spec"]["template"]["metadata"]["annotations"]
    for one in same:
        if one["kind"] == "Deployment":  # a digest of a ConfigMap with that name in it
            one["spec"]["template"]["metadata"]["annotations"] |= stamp
    assert same == list(plain().values())
    assert rendered({"watts": {"enabled": False}}, chart=chart) == {}


def test_a_parents_globals_reach_it(folder: Path) -> None:
    globals_ = {"imageRegistry": "mirror.example", "imagePullSecrets": ["mirror"], "storage": "x"}
    whole = rendered({"global": globals_}, chart=parent(folder))
    assert whole.container["image"].startswith("mirror.example/rackwatt/operator:")
    assert whole.pod["imagePullSecrets"] == [{"name": "mirror"}]
    assert read_defaults(whole).image.reference.startswith("mirror.example/rackwatt/collector:")


@pytest.mark.parametrize(
    "value",
    [{"global": None}, {"log": None}, {"log": {"level": None}}, {"podLabels": None},
     {"networkPolicy": {"apiServerPorts": None}}, {"collector": None}],
    ids=str,
)  # fmt: skip
def test_null_in_a_parents_values_is_the_default(folder: Path, value: dict[str, Any]) -> None:
    given = rendered({"rackwatt": value}, *MONITORING, chart=parent(folder))
    assert given == plain()
    written = rendered({}, *MONITORING, chart=parent(folder, {"rackwatt": value}))
    assert written == plain()


def test_a_parents_mistake_is_refused_with_its_path(folder: Path) -> None:
    with pytest.raises(RefusedError, match="at '/log/level'"):
        rendered({"rackwatt": {"log": {"level": "trace"}}}, chart=parent(folder))
