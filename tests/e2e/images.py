"""The images that the node runs beside ours: of one program each, with the libraries it loads."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import archive

HERE = Path(__file__).parent
LIBRARY = re.compile(r"(/\S+) \(0x")


def first(folder: Path, tools: Path) -> Iterator[Path]:
    """Write the images without which no pod runs and no name is found."""
    pause = folder / "pause"
    subprocess.run(["gcc", "-Os", "-static", "-s", "-o", pause, HERE / "pause.c"], check=True)
    yield _written(folder, pause)
    yield _written(folder, tools / "coredns")


def monitoring(folder: Path, tools: Path) -> Iterator[Path]:
    """Write the images of the Prometheus Operator, and of Debian's Prometheus."""
    yield _written(folder, tools / "prometheus-operator")
    yield _written(folder, tools / "prometheus-config-reloader")
    yield _written(folder, _program("prometheus"), _program("promtool"))


def _written(folder: Path, program: Path, *others: Path) -> Path:
    path = folder / f"{program.name}.tar"
    archive.write(path, program.name, [program, *others, *_libraries(program)])
    return path


def _libraries(program: Path) -> list[Path]:
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(found) for found in LIBRARY.findall(told)]


def _program(name: str) -> Path:
    found = shutil.which(name)
    assert found, f"{name} is missing: scripts/packages"
    return Path(found)
