"""What a harness is, and where its seeds and findings are.

A harness is a module of `harnesses/` with `examine(data)`: it hands bytes to a parser, lets through
the exceptions that the parser declares, and asserts what must hold of every value that comes out.
`JSON = True` says that its bytes are JSON, to be changed as a tree rather than as bytes.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FINDINGS = HERE / "findings"


@dataclass(frozen=True, slots=True)
class Harness:
    """One of them, by its name."""

    name: str

    def load(self) -> tuple[Callable[[bytes], None], bool]:
        """Import it; give what examines, and whether its bytes are JSON."""
        module = importlib.import_module(f"tests.fuzz.harnesses.{self.name}")
        return module.examine, getattr(module, "JSON", False)

    @property
    def corpus(self) -> Path:
        """The folder of its seeds, and of every input that ever was a finding."""
        return HERE / "corpus" / self.name

    @property
    def findings(self) -> Path:
        """The folder that inputs go to which it has found now; git ignores it."""
        return FINDINGS / self.name

    @property
    def dictionary(self) -> Path | None:
        """The words that are worth putting into its inputs."""
        file = HERE / "dictionaries" / f"{self.name}.dict"
        return file if file.exists() else None


def harnesses() -> list[Harness]:
    """List them all."""
    modules = (HERE / "harnesses").glob("[a-z]*.py")
    return [Harness(name) for name in sorted(module.stem for module in modules)]
