"""A toy: the files that its recipe names, as a person would write and edit them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROOTS = ("crds", "exporter", "operator")
_COPIED = (*_ROOTS, "scripts", "charts", "docs")


@dataclass(frozen=True)
class Insert:
    """A row: text that is inserted below some lines, which the file has once."""

    below: str
    text: str

    def into(self, source: str) -> str:
        """Return the source with the row."""
        assert source.count(f"{self.below}\n") == 1, self.below
        return source.replace(f"{self.below}\n", f"{self.below}\n{self.text.rstrip()}\n", 1)


@dataclass(frozen=True)
class Toy:
    """What a recipe of CONTRIBUTING.md comes to: new modules, and rows in files that exist."""

    recipe: str
    modules: Mapping[str, str]
    rows: Mapping[str, Iterable[Insert]]

    @property
    def files(self) -> set[str]:
        """Every file that is written or edited."""
        return {*self.modules, *self.rows}


class Overlay:
    """A copy of the source with toys in it. Its commands run in processes of their own."""

    def __init__(self, root: Path, toys: Iterable[Toy]) -> None:
        self.root = root
        self.environment = {"PYTHONPATH": ":".join(str(root / name) for name in _ROOTS)}
        for name in _COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for toy in toys:
            self._add(toy)

    def run(self, module: str, *arguments: object, status: int = 0) -> str:
        """Run a module of the copy; return what it printed, after its errors."""
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=self.root, env={**os.environ, **self.environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout

    def _add(self, toy: Toy) -> None:
        for name, text in toy.modules.items():
            path = self.root / name
            assert not path.exists(), f"{name} is not new"
            path.write_text(text)
        for name, rows in toy.rows.items():
            path = self.root / name
            source = path.read_text()
            for row in rows:
                source = row.into(source)
            path.write_text(source)
