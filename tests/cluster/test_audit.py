"""The audit log is read while the API server writes it."""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cluster.audit import AuditLog


def line(number: int) -> bytes:
    moment = f"2026-11-21T10:00:0{number}.000000Z"
    event = {
        "auditID": f"id-{number}",
        "user": {"username": "someone"},
        "verb": "get",
        "requestURI": f"/api/v1/namespaces/{number}",
        "requestReceivedTimestamp": moment,
        "stageTimestamp": moment,
    }
    return msgspec.json.encode(event) + b"\n"


def test_a_call_whose_line_was_half_written_at_the_mark_is_returned_after_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "audit.jsonl"
    torn = line(2)
    path.write_bytes(line(1) + torn[:40])
    log = AuditLog(path)
    log.mark()
    assert log.calls() == []
    with path.open("ab") as written:
        written.write(torn[40:] + line(3))
    assert [call.uri for call in log.calls()] == ["/api/v1/namespaces/2", "/api/v1/namespaces/3"]
    log.mark()
    assert log.calls() == []


class Growing(io.FileIO):
    """A file that grows as soon as its reader has reached the end."""

    def __init__(self, path: Path, to_come: list[bytes]) -> None:
        super().__init__(path)
        self._path = path
        self._to_come = to_come

    def readinto(self, buffer: Any) -> int:
        found = super().readinto(buffer)
        self._grow()
        return found

    def readall(self) -> bytes:
        found = super().readall()
        self._grow()
        return found

    def _grow(self) -> None:
        if self._to_come:
            with open(self._path, "ab") as file:
                file.write(self._to_come.pop(0))


def test_a_call_whose_line_is_written_while_it_is_read_is_returned_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    torn = line(2)
    path.write_bytes(line(1) + torn[:40])
    to_come = [b"", torn[40:] + line(3)[:7], line(3)[7:]]
    monkeypatch.setattr(Path, "open", lambda at, _: io.BufferedReader(Growing(at, to_come)))
    log = AuditLog(path)
    while to_come:
        log.calls()
    assert [call.uri[-1] for call in log.calls()] == ["1", "2", "3"]
