"""Text into documents: several in one file, each of them on its own.

A file is cut at its `---` lines before anything is parsed, so that one document's broken YAML takes
none of its neighbours down.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from rackwatt_crds.decoding import Problem, decode, nearest, shown
from rackwatt_crds.document import API_VERSION, KINDS, Document

MOST_BYTES = 4 * 1024 * 1024
_MOST_DEPTH = 64
_MOST_MERGED = 1_000_000
_CUT = re.compile(r"^---(?:[ \t].*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One document as it was found: its place, its model or None, and all its problems."""

    origin: str
    kind: str
    name: str
    document: Document | None
    problems: tuple[Problem, ...] = ()
    namespace: str = "default"

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one document, whichever file it stands in."""
        return (self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        return " ".join(word for word in (self.origin, self.kind, self.name) if word)


def load(text: bytes, origin: str) -> list[Loaded]:
    """Read every document of a file; `origin` names it in messages.

    Never raises: what cannot be read is a Loaded whose problems say why.
    """
    return [loaded for _, loaded in load_beside(text, origin)]


def load_beside(text: bytes, origin: str) -> list[tuple[Any, Loaded]]:
    """Read every document of a file, each beside the plain data it was read from."""
    if len(text) > MOST_BYTES:
        size = f"{len(text) / 2**20:.1f} MiB, more than the {MOST_BYTES // 2**20} MiB"
        return [(None, _refused(origin, f"has {size} that one file may have: split it"))]
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return [(None, _refused(origin, f"is not UTF-8 text (byte {error.start})"))]
    return [one for line, part in _parts(decoded) for one in _parsed(part, line, origin)]


def plain(text: str, line: int = 0) -> list[Any]:
    """Read YAML as plain data, one for each of its documents.

    Raises:
        ValueError: it is no YAML of ours; the place is told, `line` lines further down.
    """
    try:
        _hold_depth(text)
        return list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise ValueError(_told(error, line)) from None
    except RecursionError:
        told = f"line {line + 1}: merges (<<) follow each other without end"
        raise ValueError(told) from None


def judge(raw: Any, origin: str) -> Loaded:
    """Read plain data, of a file or of the API server, as a document."""
    if not isinstance(raw, dict):
        return _refused(origin, f"expected apiVersion and kind, found {shown(raw)}")
    kind, name, namespace = _identity(raw)
    if raw.get("apiVersion") != API_VERSION:
        reason = f"expected {API_VERSION}, found {shown(raw.get('apiVersion'))}"
        return Loaded(origin, kind, name, None, (Problem("apiVersion", reason),), namespace)
    if kind not in KINDS:
        reason = f"unknown kind {kind[:60]!r}; {nearest(kind, list(KINDS))}"
        return Loaded(origin, kind, name, None, (Problem("kind", reason),), namespace)
    body = {key: value for key, value in raw.items() if key not in ("apiVersion", "kind", "status")}
    document, problems = decode(body, KINDS[kind])
    return Loaded(origin, kind, name, document, tuple(problems), namespace)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Cut at `---`; each part comes with the number of lines before it."""
    start = 0
    for cut in [*_CUT.finditer(text), None]:
        end = cut.start() if cut else len(text)
        yield text.count("\n", 0, start), text[start:end]
        start = cut.end() if cut else end


def _parsed(part: str, line: int, origin: str) -> Iterator[tuple[Any, Loaded]]:
    try:
        raws = plain(part, line)
    except ValueError as error:
        yield None, _refused(origin, str(error))
    else:
        yield from ((raw, judge(raw, origin)) for raw in raws if raw is not None)


def _hold_depth(part: str) -> None:
    """Refuse nesting that would overrun the C stack: the composer recurses without a limit."""
    depth = 0
    for event in yaml.parse(part, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            raise yaml.YAMLError(f"nested more than {_MOST_DEPTH} deep")


def _told(error: yaml.YAMLError, line: int) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    where = f"line {line + mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}not YAML: {problem}"


def _identity(raw: dict[Any, Any]) -> tuple[str, str, str]:
    metadata = raw.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    kind = raw.get("kind")
    return (
        kind if isinstance(kind, str) else "",
        _word(named.get("name"), ""),
        _word(named.get("namespace"), "default"),
    )


def _word(raw: Any, otherwise: str) -> str:
    return raw if isinstance(raw, str) and raw else otherwise


def _refused(origin: str, reason: str) -> Loaded:
    return Loaded(origin, "", "", None, (Problem("", reason),))


class _Loader(yaml.CSafeLoader):
    """YAML's safe subset, its loose ends tied up.

    A key given twice is an error rather than the last one winning; merges do not multiply; a scalar
    that is not what its tag says is an error of YAML.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._flat: dict[int, yaml.MappingNode] = {}
        self._merged = 0

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (LookupError, AttributeError, ValueError) as error:
            kind = node.tag.rpartition(":")[2][:60]
            told = f"this is no {kind} ({error})" if isinstance(error, ValueError) else None
            raise yaml.constructor.ConstructorError(
                None, None, told or f"this is no {kind}", node.start_mark
            ) from None

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put what is merged (`<<`) into a mapping, each key once."""
        if id(node) in self._flat:
            return
        self._flat[id(node)] = node
        _hold_keys_apart(node)
        super().flatten_mapping(node)
        self._merged += len(node.value)
        if self._merged > _MOST_MERGED:
            told = f"more than {_MOST_MERGED} keys, with those merged (<<)"
            raise yaml.constructor.ConstructorError(None, None, told, node.start_mark)
        pairs = {(key.tag, key.value) if _is_scalar(key) else id(key): (key, value)
                 for key, value in node.value}  # fmt: skip
        node.value = list(pairs.values())


# YAML 1.1 takes 1e-5 for text, while kubectl and JSON take it for a number.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z"),
    list("-+0123456789"),
)


def _hold_keys_apart(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not _is_scalar(key) or key.value == "<<":
            continue
        if key.value in seen:
            told = f"key {key.value!r:.60} is given twice"
            raise yaml.constructor.ConstructorError(None, None, told, key.start_mark)
        seen.add(key.value)


def _is_scalar(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode)
