import ast
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOTS = ("crds", "exporter", "operator")


@pytest.mark.parametrize("root", ROOTS)
def test_a_source_root_is_no_package(root: str) -> None:
    assert not (ROOT / root / "__init__.py").exists()


@pytest.mark.parametrize("path", ["", ".", "crds:exporter:operator"])
def test_the_standard_librarys_operator_is_never_shadowed(path: str) -> None:
    code = "import operator; print(operator.add(1, 2), operator.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    three, file = done.stdout.split()
    assert three == "3"
    assert not Path(file).is_relative_to(ROOT / "operator")


def test_one_distribution_brings_the_exporters_command() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "rackwatt"
    assert set(project["optional-dependencies"]) == {"accounting", "exporter", "operator"}
    done = subprocess.run(
        [Path(sys.executable).parent / "rackwatt-exporter", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"rackwatt-exporter {version('rackwatt')}\n"


def test_the_wrapper_needs_no_package_but_ours() -> None:
    code = "import sys, rackwatt_trace.__main__, rackwatt_trace.sampler; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT, env={"PYTHONPATH": "crds:exporter"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded - sys.stdlib_module_names - {"__main__"} == {"rackwatt_crds", "rackwatt_trace"}


def test_every_module_says_what_it_is_for() -> None:
    modules = [path for root in ROOTS for path in (ROOT / root).rglob("*.py")]
    silent = [path for path in modules if not path.read_text().startswith('"""')]
    assert modules
    assert silent == []


@pytest.mark.parametrize("package", ["exporter/rackwatt_exporter", "operator/rackwatt_operator"])
def test_no_two_public_classes_of_a_program_have_one_name(package: str) -> None:
    names = Counter(
        node.name
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert len(names) > 50
    assert [name for name, times in names.items() if times > 1] == []
