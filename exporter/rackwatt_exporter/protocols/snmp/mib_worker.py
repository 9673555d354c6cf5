"""Child process that resolves symbolic object names: names as arguments, JSON on stdout.

Some standard modules come with pysnmp. Any other is parsed from MIB files as vendors publish them,
in the directories of net-snmp. Only the tree of names is used: modules that a file imports are
needed only where the path from a name to the root leads through them.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from pysnmp.smi.builder import MibBuilder
from pysnmp.smi.error import SmiError

DIRECTORIES = (
    "~/.snmp/mibs",
    "/usr/share/snmp/mibs",
    "/usr/local/share/snmp/mibs",
    "/usr/share/mibs",
)
_MODULE = re.compile(rb"^\s*([A-Za-z][-A-Za-z0-9]*)\s+DEFINITIONS\s*::=\s*BEGIN", re.MULTILINE)
_MAX_DEPTH = 128
_MAX_FILE = 32 * 1024 * 1024

Symbols = dict[str, dict[str, Any]]


class UnresolvedError(Exception):
    """A name could not be resolved; the message says why, and what to do."""


class Library:
    """The MIB modules of pysnmp and of some directories."""

    def __init__(self, directories: list[Path]) -> None:
        self._directories = directories
        self._builtin = MibBuilder()
        self._parsed: dict[str, Symbols] = {}

    def number(self, name: str) -> str:
        """Resolve `MODULE::name.1`.

        Raises:
            UnresolvedError: naming the module or the object that is missing.
        """
        module, _, rest = name.partition("::")
        symbol, _, index = rest.partition(".")
        arcs = self._arcs(module, symbol, _MAX_DEPTH)
        return ".".join(map(str, arcs)) + (f".{index}" if index else "")

    def _arcs(self, module: str, symbol: str, depth: int) -> tuple[int, ...]:
        if symbol == "iso":
            return (1,)
        if depth == 0:
            raise UnresolvedError(f"the names of {module} refer to each other in a circle")
        builtin = self._builtin_arcs(module, symbol)
        if builtin is not None:
            return builtin
        symbols = self._symbols(module)
        if "oid" not in symbols.get(symbol.replace("-", "_"), {}):
            raise UnresolvedError(f"MIB {module} has no object {symbol}")
        arcs: tuple[int, ...] = ()
        for part in symbols[symbol.replace("-", "_")]["oid"]:
            if isinstance(part, tuple):
                parent, its_module = part
                arcs += self._arcs(its_module, parent, depth - 1)
            else:
                arcs += (int(part),)
        return arcs

    def _builtin_arcs(self, module: str, symbol: str) -> tuple[int, ...] | None:
        try:
            (node,) = self._builtin.import_symbols(module, symbol)
        except SmiError:
            return None
        name = getattr(node, "name", None)
        return tuple(name) if isinstance(name, tuple) else None

    def _symbols(self, module: str) -> Symbols:
        if module not in self._parsed:
            file = self._files.get(module)
            if file is None and module in self._builtin.mibSymbols:
                raise UnresolvedError(f"MIB {module}, as it comes with pysnmp, has no such object")
            if file is None:
                raise UnresolvedError(
                    f"there is no MIB {module}: put its file into {self._usual_directories}"
                )
            self._parsed.update(_parse(file))
        if module not in self._parsed:
            raise UnresolvedError(f"{self._files[module]} does not define module {module}")
        return self._parsed[module]

    @cached_property
    def _files(self) -> dict[str, Path]:
        """Files by the modules they define, whatever their names; the first one counts."""
        files: dict[str, Path] = {}
        for file in self._all_files():
            for module in _MODULE.findall(file.read_bytes()):
                files.setdefault(module.decode(), file)
        return files

    def _all_files(self) -> Iterator[Path]:
        for directory in self._directories:
            for file in sorted(directory.rglob("*")):
                readable = file.is_file() and os.access(file, os.R_OK)
                if readable and file.stat().st_size <= _MAX_FILE:
                    yield file

    @property
    def _usual_directories(self) -> str:
        return " or ".join(map(str, self._directories[:2]))


def directories() -> list[Path]:
    """List the directories of MIB files as net-snmp does: MIBDIRS instead of the usual ones.

    A `+` before MIBDIRS adds to the usual directories instead (snmpcmd(1), option -M).
    """
    mibdirs = os.environ.get("MIBDIRS", "")
    usual = [_expand(path) for path in DIRECTORIES]
    named = [_expand(path) for path in mibdirs.strip("+-").split(":") if path]
    return named + usual if not mibdirs or mibdirs[0] in "+-" else named


def _expand(path: str) -> Path:
    """Expand `~`, which stays where the uid has no home: pathlib would raise."""
    return Path(os.path.expanduser(path))


def _parse(file: Path) -> dict[str, Symbols]:
    # Imported late: most names need no file, and the parser takes as long as all the rest.
    from pysmi.codegen.symtable import SymtableCodeGen
    from pysmi.error import PySmiError
    from pysmi.parser.dialect import smi_v1_relaxed
    from pysmi.parser.smi import parserFactory

    try:
        modules = parserFactory(**smi_v1_relaxed)().parse(file.read_text("utf-8", "replace"))
        parsed = [SymtableCodeGen().gen_code(module, {}) for module in modules]
    except PySmiError as error:
        raise UnresolvedError(f"{file} cannot be read as a MIB: {error}") from None
    return {info.name: symbols for info, symbols in parsed}


def resolve_all(names: list[str], library: Library) -> dict[str, dict[str, str | None]]:
    """Resolve names; each gets a number or a problem."""
    resolved: dict[str, dict[str, str | None]] = {}
    for name in names:
        try:
            resolved[name] = {"number": library.number(name), "problem": None}
        except UnresolvedError as error:
            resolved[name] = {"number": None, "problem": f"{name}: {error}"}
    return resolved


if __name__ == "__main__":
    json.dump(resolve_all(sys.argv[1:], Library(directories())), sys.stdout)
