"""Parser of YAML and JSON files into plain data.

In addition to YAML's safe subset it accepts UTF-16 with a byte order mark, the line ends of any
system, and JSON that is not YAML. Each error has its line and what to change.
"""

import codecs
import itertools
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from rackwatt_crds.decoding import Repeated
from rackwatt_crds.quoting import may_hold_secret, shown

_MAX_DEPTH = 64
_MAX_MERGED = 1_000_000
_CUT = re.compile(r"^---(?=[ \t]|$)", re.MULTILINE)
_INNER_MARK = re.compile("^\ufeff", re.MULTILINE)  # of concatenated files
_SPACE = re.compile(r"\s*")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Plain:
    """The plain data of each document of a text, and its duplicate keys."""

    raws: list[Any]
    repeated: Repeated = field(default_factory=Repeated)


def decode_text(content: bytes) -> str:
    r"""Decode a file; its lines end with `\n`.

    Raises:
        ValueError: the content is not text; the message has the line.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding)
    return _decoded(content, "utf-8")


def split_documents(text: str) -> Iterator[tuple[int, str]]:
    """Split a text at `---`; yield each part with the number of lines before it."""
    start = line = 0
    for cut in [*_CUT.finditer(text), None]:
        part = text[start : cut.start() if cut else len(text)]
        if part.strip() and not _is_separator(part):
            yield line, part
        line += part.count("\n")
        start = cut.end() if cut else len(text)


def _is_separator(part: str) -> bool:
    """Return whether a part has only directives or ends of documents: `%YAML 1.2`, `...`."""
    lines = [
        line for line in part.split("\n") if line.strip() and not line.lstrip().startswith("#")
    ]
    return bool(lines) and all(line.startswith(("%", "...")) for line in lines)


def load_yaml(text: str, line: int = 0) -> list[Any]:
    """Read YAML as plain data, one for each of its documents.

    Raises:
        ValueError: the text is not YAML, or has a duplicate key; the message has the line, counted
            from `line`.
    """
    read = parse_yaml(text, line)
    for key, where in itertools.chain(*read.repeated.values()):
        raise ValueError(f"{where}: not YAML: key {shown(key)} is given twice")
    return read.raws


def parse_yaml(text: str, line: int = 0) -> Plain:
    """Read YAML, or JSON, as plain data; note duplicate keys, of which the last value counts.

    Raises:
        ValueError: the text is neither; the message has the line, counted from `line`.
    """
    try:
        return _constructed(text, line)
    except yaml.YAMLError as error:
        read = _json(text)
        if read is None:
            raise ValueError(_message(error, text, line)) from None
        return read
    except RecursionError:
        message = f"line {line + 1}: merge keys (<<) form a cycle"
        raise ValueError(message) from None


def _decoded(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding[:6].rstrip("-").upper()
        line = content.count(b"\n", 0, error.start) + 1
        where = f"line {line}, byte {error.start}"
        byte = content[error.start : error.start + 1]
        meant = byte.decode("cp1252", "replace")
        hint = f", {meant!r} in Windows-1252" if meant.isalpha() else ""
        message = f"is not {name} text ({where}: 0x{byte.hex()}{hint}): save it as UTF-8"
        raise ValueError(message) from None
    return _INNER_MARK.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _constructed(text: str, line: int) -> Plain:
    _check_depth(text)
    loader = _Loader(text)
    loader.line = line
    try:
        raws = []
        while loader.check_data():  # type: ignore[no-untyped-call]
            raws.append(loader.get_data())
        return Plain(raws, loader.repeated)
    finally:
        loader.dispose()


def _json(text: str) -> Plain | None:
    """Read consecutive JSON values; None where the text is not JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    decoder, raws, at = json.JSONDecoder(object_pairs_hook=_unique_pairs), [], _skip_space(text, 0)
    try:
        while at < len(text):
            raw, end = decoder.raw_decode(text, at)
            raws.append(raw)
            at = _skip_space(text, end)
    except (ValueError, RecursionError):
        return None
    return Plain(raws) if _is_shallow(raws) else None


def _skip_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _is_shallow(raws: list[Any]) -> bool:
    level: list[Any] = raws
    for _ in range(_MAX_DEPTH + 1):
        nested = [raw.values() if isinstance(raw, dict) else raw for raw in level
                  if isinstance(raw, (dict, list))]  # fmt: skip
        level = list(itertools.chain(*nested))
    return not any(isinstance(raw, (dict, list)) for raw in level)


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)


def _check_depth(part: str) -> None:
    """Reject nesting that would overflow the C stack: libyaml recurses without a limit."""
    depth = 0
    for event in yaml.parse(part, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"nested more than {_MAX_DEPTH} deep")


def _message(error: yaml.YAMLError, text: str, line: int) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    if mark is None:
        return f"not YAML: {problem}"
    where = f"line {line + mark.line + 1}, column {mark.column + 1}"
    return f"{where}: not YAML: {problem}{_advice(text, mark.line)}"


def _advice(text: str, line: int) -> str:
    """Return what to change about characters that YAML's own messages do not name."""
    lines = text.split("\n")
    here = lines[line] if line < len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return ": the line begins with a tab; indent with spaces"
    if "\xa0" in here:
        return ": the line has a no-break space (U+00A0); type a space instead"
    if "{{" in here:
        return ": this is a template; render it first, as `helm template` does"
    return ""


class _Loader(yaml.CSafeLoader):
    """Loader of YAML's safe subset, with stricter checks.

    It notes duplicate keys, limits merges, and reports a scalar that does not match its tag as an
    error of YAML.
    """

    line = 0

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.repeated = Repeated()
        self._duplicates: dict[int, list[tuple[str, str]]] = {}
        self._flat: dict[int, yaml.MappingNode] = {}
        self._merged = 0

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (LookupError, AttributeError, ValueError) as error:
            kind = node.tag.rpartition(":")[2][:60]
            detail = f" ({error})" if isinstance(error, ValueError) else ""
            detail = "" if may_hold_secret(detail) else detail
            problem = f"not a valid {kind}{detail}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_yaml_map(self, node: yaml.MappingNode) -> Generator[dict[Any, Any], None, None]:
        """Construct a mapping, and note its duplicate keys."""
        data: dict[Any, Any] = {}
        yield data
        data.update(self.construct_mapping(node))
        if id(node) in self._duplicates:
            self.repeated[id(data)] = self._duplicates[id(node)]

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Add merged pairs (`<<`) to a mapping, each key once."""
        if id(node) in self._flat:
            return
        self._flat[id(node)] = node
        self._note_duplicates(node)
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > _MAX_MERGED:
            problem = f"more than {_MAX_MERGED} keys, including merged ones (<<)"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        pairs = {(key.tag, key.value) if _is_scalar(key) else id(key): (key, value)
                 for key, value in node.value}  # fmt: skip
        node.value = list(pairs.values())

    def _note_duplicates(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if not _is_scalar(key) or key.value == "<<":
                continue
            if key.value in seen:
                mark = key.start_mark
                where = f"line {self.line + mark.line + 1}, column {mark.column + 1}"
                self._duplicates.setdefault(id(node), []).append((key.value, where))
            seen.add(key.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)
# A date is text, as kubectl reads it: JSON has no dates.
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in _Loader.yaml_implicit_resolvers.items()
}
# YAML 1.1 reads 1e-5 as text, while kubectl and JSON read it as a number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z"),
    list("-+0123456789"),
)


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)
