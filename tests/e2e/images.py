"""Images that the node runs: ours, and images of one program with its libraries."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.e2e import archive
from tests.e2e.netns_host import HERE, ROOT

LIBRARY = re.compile(r"(/\S+) \(0x")


def first(folder: Path, tools: Path) -> Iterator[Path]:
    """Write the images of the pod sandbox and of CoreDNS, which every other pod needs."""
    pause = folder / "pause"
    subprocess.run(["gcc", "-Os", "-static", "-s", "-o", pause, HERE / "pause.c"], check=True)
    yield _written(folder, pause)
    yield _written(folder, tools / "coredns")


def monitoring(folder: Path, tools: Path) -> Iterator[Path]:
    """Write the images of the Prometheus Operator, and of Prometheus with Debian's promtool."""
    yield _written(folder, tools / "prometheus-operator")
    yield _written(folder, tools / "prometheus-config-reloader")
    yield _written(folder, tools / "prometheus", _program("promtool"))


def ours(folder: Path) -> Iterator[Path]:
    """Build the images of all programs with `scripts/images`."""
    command = [ROOT / "scripts/images", folder]
    done = subprocess.run(
        command, env={**os.environ, "BASE": "debian"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"scripts/images: {done.stdout}{done.stderr}")
    yield folder / "operator.tar"
    yield folder / "collector.tar"
    yield folder / "accounting.tar"


def _written(folder: Path, *programs: Path) -> Path:
    path = folder / f"{programs[0].name}.tar"
    libraries = {library for program in programs for library in _libraries(program)}
    archive.write(path, path.stem, [*programs, *sorted(libraries)])
    return path


def _libraries(program: Path) -> list[Path]:
    """List the libraries of a program; one that is linked statically has none."""
    output = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(library) for library in LIBRARY.findall(output)]


def _program(name: str) -> Path:
    path = shutil.which(name)
    assert path, f"{name} is missing: scripts/packages"
    return Path(path)
