"""The audit log is read while the API server writes it."""

from pathlib import Path

import msgspec

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


def test_a_call_whose_line_was_half_written_at_the_mark_is_told_after_it(tmp_path: Path) -> None:
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
