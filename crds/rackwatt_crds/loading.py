"""Text into documents: several in one file or one List, each of them on its own.

A file is cut at its `---` lines before anything is parsed, so that one document's broken YAML takes
none of its neighbours down. What is not Rackwatt's, such as a Secret, is passed over with a note.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from rackwatt_crds.decoding import Problem, Repeated, examine, given_twice, joined, shown
from rackwatt_crds.document import API_VERSION, KINDS, Document
from rackwatt_crds.wording import closest, nearest
from rackwatt_crds.yamltext import parse, parts, text_of

MAX_BYTES = 4 * 1024 * 1024
_GROUP = API_VERSION.partition("/")[0]
_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?\Z")
_ALIKE = 0.8
_MAX_KEYS = 6


@dataclass(frozen=True, slots=True)
class Loaded:
    """One document as it was found: its place, its model or None, and all its problems.

    `partial` is what could be read of it, problems or not. `within` is the place of a List's item
    in its List. One with a `note` is no document, and was passed over for that reason.
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
        """What makes it one document, whichever file it stands in."""
        return (self.kind, self.namespace, self.name)

    def report(self, problem: Problem | str) -> str:
        """Write a problem behind the document's place; a string begins with its path."""
        if not self.within:
            return f"{self}: {problem}"
        joint = ": " if isinstance(problem, Problem) and not problem.path else "."
        return f"{self}: {self.within}{joint}{problem}"

    def __str__(self) -> str:
        return " ".join(word for word in (self.origin, self.kind, self.name) if word)


def load(content: bytes, origin: str) -> list[Loaded]:
    """Read every document of a file; `origin` names it in messages.

    Never raises: what cannot be read is a Loaded whose problems say why.
    """
    return [loaded for _, loaded in load_beside(content, origin)]


def load_beside(content: bytes, origin: str) -> list[tuple[Any, Loaded]]:
    """Read every document of a file, each beside the plain data it was read from."""
    if len(content) > MAX_BYTES:
        size = f"more than the {MAX_BYTES // 2**20} MiB that one file may have"
        return [(None, _refused(origin, f"has {size}: split it"))]
    try:
        text = text_of(content)
    except ValueError as error:
        return [(None, _refused(origin, str(error)))]
    found = [one for line, part in parts(text) for one in _parsed(part, line, origin)]
    return found or [(None, Loaded(origin, "", "", None, note="is empty: it has no document"))]


def judge(raw: Any, origin: str, within: str = "", repeated: Repeated | None = None) -> Loaded:
    """Read plain data, of a file or of the API server, as a document.

    `within` is the place of a List's item, `repeated` the keys that the text gives twice.
    """
    if not isinstance(raw, dict):
        advice = ": put `---` between documents, or make it a List" if isinstance(raw, list) else ""
        reason = f"expected apiVersion and kind, found {shown(raw)}{advice}"
        return _refused(origin, reason, within)
    if raw.get("apiVersion") is None and raw.get("kind") is None:
        reason = f"expected apiVersion and kind, found {_keys(raw)}"
        return _refused(origin, reason, within)
    kind, name, namespace = _identity(raw)
    loaded = Loaded(origin, kind, name, None, namespace=namespace, within=within)
    version = raw.get("apiVersion")
    if _is_foreign(version, kind):
        return replace(loaded, note=f"of {version} is not a document of Rackwatt: passed over")
    problems = list(_misnamed(version, raw.get("kind")))
    model = KINDS.get(closest(kind, list(KINDS)) or "")
    if model is None:
        return replace(loaded, problems=tuple(problems))
    body = {key: value for key, value in raw.items() if key not in ("apiVersion", "kind", "status")}
    decoded = examine(body, model, repeated)
    problems += decoded.problems
    if repeated:
        problems += list(_given_twice(raw, repeated, {problem.reason for problem in problems}))
    usable = decoded.model if all(problem.alone for problem in problems) else None
    return replace(loaded, document=usable, problems=tuple(problems), partial=decoded.partial)


def notes(documents: Iterable[Loaded]) -> list[str]:
    """Write what was passed over: one line for each kind of object of a file."""
    groups: dict[tuple[str, str, str], list[Loaded]] = {}
    for one in documents:
        if one.note:
            groups.setdefault((one.origin, one.kind, one.note), []).append(one)
    return [
        f"{many[0]} {many[0].note}" + (f", and {len(many) - 1} more" if many[1:] else "")
        for many in groups.values()
    ]


def _parsed(part: str, line: int, origin: str) -> Iterator[tuple[Any, Loaded]]:
    try:
        read = parse(part, line)
    except ValueError as error:
        yield None, _refused(origin, str(error))
        return
    judged: dict[int, str] = {}
    for raw in read.raws:
        if raw is None:
            continue
        if not _is_list(raw):
            yield raw, judge(raw, origin, "", read.repeated)
            continue
        items = raw.get("items") or []
        if not isinstance(items, list):
            yield None, _refused(origin, f"expected a list, found {shown(items)}", "items")
            continue
        for index, item in enumerate(items):
            yield _item(item, raw, f"items[{index}]", origin, read.repeated, judged)


def _item(
    item: Any, listed: Any, within: str, origin: str, repeated: Repeated, judged: dict[int, str]
) -> tuple[Any, Loaded]:
    """Read an item of a List; one that an alias repeats is read once."""
    same = judged.setdefault(id(item), within)
    if _is_list(item):
        reason = "a List in a List is not read: put its items into the outer one"
        return None, _refused(origin, reason, within)
    if same != within:
        return None, _refused(origin, f"is {same} once more, by an alias", within)
    whole = _completed(item, listed)
    return whole, judge(whole, origin, within, repeated)


def _is_list(raw: Any) -> bool:
    """Return whether plain data is a List, as `kubectl get -o yaml` prints it."""
    kind = raw.get("kind") if isinstance(raw, dict) else None
    return isinstance(kind, str) and (kind == "List" or (kind.endswith("List") and "items" in raw))


def _completed(item: Any, listed: dict[str, Any]) -> Any:
    """Complete an item of a PowerTargetList, which need not repeat the version and the kind."""
    kind = listed["kind"].removesuffix("List")
    if not kind or not isinstance(item, dict) or {"apiVersion", "kind"} <= item.keys():
        return item
    return {"apiVersion": listed.get("apiVersion"), "kind": kind, **item}


def _is_foreign(version: Any, kind: str) -> bool:
    """Return whether an object belongs to another program: no name of it is like ours."""
    if not kind or not isinstance(version, str) or not _VERSION.match(version):
        return False
    group = version.rpartition("/")[0]
    return not closest(group, [_GROUP], _ALIKE) and not closest(kind, list(KINDS), _ALIKE)


def _misnamed(version: Any, kind: Any) -> Iterator[Problem]:
    if version != API_VERSION:
        yield Problem("apiVersion", f"expected {API_VERSION}, found {shown(version)}")
    if kind is None:
        yield Problem("kind", f"is missing; known are {', '.join(KINDS)}")
    elif not isinstance(kind, str) or kind not in KINDS:
        word = kind if isinstance(kind, str) else ""
        yield Problem("kind", f"unknown kind {shown(kind)}; {nearest(word, list(KINDS))}")


def _given_twice(raw: Any, repeated: Repeated, noted: set[str]) -> Iterator[Problem]:
    """List the keys given twice where no model looks, such as in labels."""
    seen: set[int] = set()
    waiting = [("", raw)]
    for path, one in waiting:
        if not isinstance(one, (dict, list)) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting += [(joined(path, _key(key)), inner) for key, inner in one.items()]
        else:
            waiting += [(f"{path}[{index}]", inner) for index, inner in enumerate(one)]
        for key, where in repeated.get(id(one), ()):
            if (reason := given_twice(key, where)) not in noted:
                yield Problem(joined(path, key), reason)


def _keys(raw: dict[Any, Any]) -> str:
    """Name the first keys of an object."""
    if not raw:
        return "an empty object"
    more = " …" if len(raw) > _MAX_KEYS else ""
    return f"only {', '.join(map(_key, islice(raw, _MAX_KEYS)))}{more}"


def _key(raw: Any) -> str:
    return raw if isinstance(raw, str) else shown(raw)


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


def _refused(origin: str, reason: str, within: str = "") -> Loaded:
    return Loaded(origin, "", "", None, (Problem("", reason),), within=within)
