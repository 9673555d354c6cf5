"""Loader of documents from text: several in one file or one List, each independent of the others.

A file is split at its `---` lines before it is parsed, so that invalid YAML in one document does
not affect the others. Resources of other programs, such as Secrets, are skipped with a note.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from rackwatt_crds.decoding import Problem, Repeated, duplicate_key, examine, join_path
from rackwatt_crds.document import API_VERSION, KINDS, Document
from rackwatt_crds.quoting import shown, shown_key
from rackwatt_crds.wording import closest_match, did_you_mean
from rackwatt_crds.yamltext import decode_text, parse_yaml, split_documents

MAX_BYTES = 4 * 1024 * 1024
_GROUP = API_VERSION.partition("/")[0]
_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?\Z")
_ALIKE = 0.8
_MAX_KEYS = 6
# Of these, `apiVersion` is also in files of other programs that have no kind, such as Chart.yaml.
_OWN_KEYS = ("metadata", "spec", "kind", *KINDS)
_LIKE_OWN = 0.7


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document as it was read: its origin, its model or None, and all its problems.

    `partial` is what could be read of it, even with problems. `within` is the path of an item in
    its List. With a `note` it is no document, and was skipped for that reason.
    """

    origin: str
    kind: str
    name: str
    document: Document | None
    problems: tuple[Problem, ...] = ()
    namespace: str = "default"
    partial: Document | None = None
    within: str = ""
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity of the document: kind, namespace and name, whichever file defines it."""
        return (self.kind, self.namespace, self.name)

    def report(self, problem: Problem | str) -> str:
        """Return a problem prefixed with the document's origin; a string begins with its path."""
        if not self.within:
            return f"{self}: {problem}"
        joint = ": " if isinstance(problem, Problem) and not problem.path else "."
        return f"{self}: {self.within}{joint}{problem}"

    def __str__(self) -> str:
        words = (self.origin, *map(shown_key, (self.kind, self.name)))
        return " ".join(word for word in words if word)


def load(content: bytes, origin: str) -> list[Loaded]:
    """Read every document of a file; `origin` names it in messages.

    Never raises: for content that cannot be read, the Loaded has the problems.
    """
    return [loaded for _, loaded in load_with_raw(content, origin)]


def load_with_raw(content: bytes, origin: str) -> list[tuple[Any, Loaded]]:
    """Read every document of a file, each with the plain data that it was read from."""
    if len(content) > MAX_BYTES:
        reason = f"has more than {MAX_BYTES // 2**20} MiB, the limit of one file: split it"
        return [(None, _failed(origin, reason))]
    try:
        text = decode_text(content)
    except ValueError as error:
        return [(None, _failed(origin, str(error)))]
    documents = [
        pair for line, part in split_documents(text) for pair in _parsed(part, line, origin)
    ]
    return documents or [(None, Loaded(origin, "", "", None, note="is empty: it has no document"))]


def parse_document(
    raw: Any, origin: str, within: str = "", repeated: Repeated | None = None
) -> Loaded:
    """Read plain data, of a file or of the API server, as a document.

    `within` is the path of an item of a List, `repeated` the duplicate keys of the text.
    """
    if not isinstance(raw, dict):
        advice = ": put `---` between documents, or make it a List" if isinstance(raw, list) else ""
        reason = f"expected apiVersion and kind, found {shown(raw)}{advice}"
        return _failed(origin, reason, within)
    if raw.get("kind") is None and _is_something_else(raw, origin):
        note = f"has no kind, {_keys(raw)}: it is not a Rackwatt resource, and was skipped"
        return Loaded(origin, "", "", None, within=within, note=note)
    if raw.get("apiVersion") is None and raw.get("kind") is None:
        reason = f"expected apiVersion and kind, found {_keys(raw)}"
        return _failed(origin, reason, within)
    kind, name, namespace = _identity(raw)
    loaded = Loaded(origin, kind, name, None, namespace=namespace, within=within)
    version = raw.get("apiVersion")
    if _is_foreign(version, kind):
        return replace(loaded, note=f"of {version} is not a Rackwatt resource: skipped")
    problems = list(_misnamed(version, raw.get("kind")))
    model = KINDS.get(closest_match(kind, list(KINDS)) or "")
    if model is None:
        return replace(loaded, problems=tuple(problems))
    body = {key: value for key, value in raw.items() if key not in ("apiVersion", "kind", "status")}
    decoded = examine(body, model, repeated)
    problems += decoded.problems
    if repeated:
        problems += list(_given_twice(raw, repeated, {problem.reason for problem in problems}))
    usable = decoded.model if all(problem.item_only for problem in problems) else None
    return replace(loaded, document=usable, problems=tuple(problems), partial=decoded.partial)


def notes(documents: Iterable[Loaded]) -> list[str]:
    """Return what was skipped: one line for each kind of object of a file."""
    groups: dict[tuple[str, str, str], list[Loaded]] = {}
    for loaded in documents:
        if loaded.note:
            groups.setdefault((loaded.origin, loaded.kind, loaded.note), []).append(loaded)
    return [
        f"{many[0]} {many[0].note}" + (f", and {len(many) - 1} more" if many[1:] else "")
        for many in groups.values()
    ]


def _parsed(part: str, line: int, origin: str) -> Iterator[tuple[Any, Loaded]]:
    try:
        read = parse_yaml(part, line)
    except ValueError as error:
        yield None, _failed(origin, str(error))
        return
    seen: dict[int, str] = {}
    for raw in read.raws:
        if raw is None:
            continue
        if not _is_list(raw):
            yield raw, parse_document(raw, origin, "", read.repeated)
            continue
        items = raw.get("items") or []
        if not isinstance(items, list):
            yield None, _failed(origin, f"expected a list, found {shown(items)}", "items")
            continue
        for index, item in enumerate(items):
            yield _item(item, raw, f"items[{index}]", origin, read.repeated, seen)


def _item(
    item: Any, listed: Any, within: str, origin: str, repeated: Repeated, seen: dict[int, str]
) -> tuple[Any, Loaded]:
    """Read an item of a List; one that an alias repeats is read only once."""
    first = seen.setdefault(id(item), within)
    if _is_list(item):
        reason = "a List within a List is not supported: move its items to the outer List"
        return None, _failed(origin, reason, within)
    if first != within:
        return None, _failed(origin, f"repeats {first} through a YAML alias: remove one", within)
    whole = _completed(item, listed)
    return whole, parse_document(whole, origin, within, repeated)


def _is_list(raw: Any) -> bool:
    """Return whether plain data is a List, as `kubectl get -o yaml` prints it."""
    kind = raw.get("kind") if isinstance(raw, dict) else None
    return isinstance(kind, str) and (kind == "List" or (kind.endswith("List") and "items" in raw))


def _completed(item: Any, listed: dict[str, Any]) -> Any:
    """Add the version and kind to an item of a PowerTargetList, which may omit them."""
    kind = listed["kind"].removesuffix("List")
    if not kind or not isinstance(item, dict) or {"apiVersion", "kind"} <= item.keys():
        return item
    return {"apiVersion": listed.get("apiVersion"), "kind": kind, **item}


def _is_foreign(version: Any, kind: str) -> bool:
    """Return whether neither the group nor the kind of a resource resembles Rackwatt's."""
    if not kind or not isinstance(version, str) or not _VERSION.match(version):
        return False
    group = version.rpartition("/")[0]
    return not closest_match(group, [_GROUP], _ALIKE) and not closest_match(
        kind, list(KINDS), _ALIKE
    )


def _is_something_else(raw: dict[Any, Any], origin: str) -> bool:
    """Return whether an object without kind is plainly of another program.

    Programs such as kustomize and Helm have files without kind beside documents. A document whose
    kind was forgotten is a mistake, and must not be skipped: it has `spec` or one of its fields.
    """
    if raw and "spec" not in raw and Path(origin).stem.lower() == "kustomization":
        return True
    words = [key for key in raw if isinstance(key, str)]
    words += [value for value in raw.values() if isinstance(value, str) and _GROUP in value]
    fields = {name for model in KINDS.values() for name in _spec_fields(model)}
    return bool(raw) and not any(
        word in fields or _GROUP in word or closest_match(word, _OWN_KEYS, _LIKE_OWN)
        for word in words
    )


def _spec_fields(model: type[Document]) -> tuple[str, ...]:
    spec = get_type_hints(model)["spec"]
    return tuple(field.encode_name for field in msgspec.structs.fields(spec))


def _misnamed(version: Any, kind: Any) -> Iterator[Problem]:
    if version != API_VERSION:
        yield Problem("apiVersion", f"expected {API_VERSION}, found {shown(version)}")
    if kind is None:
        yield Problem("kind", f"is missing; known are {', '.join(KINDS)}")
    elif not isinstance(kind, str) or kind not in KINDS:
        word = kind if isinstance(kind, str) else ""
        yield Problem("kind", f"unknown kind {shown(kind)}; {did_you_mean(word, list(KINDS))}")


def _given_twice(raw: Any, repeated: Repeated, noted: set[str]) -> Iterator[Problem]:
    """List the duplicate keys that no model sees, such as in labels."""
    seen: set[int] = set()
    pending = [("", raw)]
    for path, value in pending:
        if not isinstance(value, (dict, list)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            pending += [(join_path(path, shown_key(key)), inner) for key, inner in value.items()]
        else:
            pending += [(f"{path}[{index}]", inner) for index, inner in enumerate(value)]
        for key, where in repeated.get(id(value), ()):
            if (reason := duplicate_key(key, where)) not in noted:
                yield Problem(join_path(path, shown_key(key)), reason)


def _keys(raw: dict[Any, Any]) -> str:
    """Return the first keys of an object as text."""
    if not raw:
        return "an empty object"
    more = " …" if len(raw) > _MAX_KEYS else ""
    return f"only {', '.join(map(shown_key, islice(raw, _MAX_KEYS)))}{more}"


def _identity(raw: dict[Any, Any]) -> tuple[str, str, str]:
    metadata = raw.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    kind = raw.get("kind")
    return (
        kind if isinstance(kind, str) else "",
        _text_or(named.get("name"), ""),
        _text_or(named.get("namespace"), "default"),
    )


def _text_or(raw: Any, default: str) -> str:
    return raw if isinstance(raw, str) and raw else default


def _failed(origin: str, reason: str, within: str = "") -> Loaded:
    return Loaded(origin, "", "", None, (Problem("", reason),), within=within)
