import json
import logging
import shlex
import sys
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.cli.logs import Json, Logfmt


def record(message: str, name: str = "rackwatt_exporter.polling.poller") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "", 0, message, (), None)


@given(st.text())
def test_json_gives_back_every_message(message: str) -> None:
    line = Json().format(record(message))
    assert "\n" not in line
    assert json.loads(line)["msg"] == message


@given(st.text())
def test_logfmt_is_a_line_and_gives_back_every_message(message: str) -> None:
    line = Logfmt().format(record(message))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    logged = line.split(" msg=", 1)[1]
    assert (json.loads(logged) if logged.startswith('"') else logged) == message


def test_a_word_needs_no_quotes() -> None:
    words = Logfmt().format(record("stopping")).split()
    assert words[1:] == ["level=warn", "component=polling.poller", "msg=stopping"]


def test_a_line_has_the_time_and_the_node() -> None:
    one = record("no answer within 2 s")
    one.created, one.msecs, one.node = 1_700_000_000.25, 250.0, "n17"
    fields = dict(word.split("=", 1) for word in shlex.split(Logfmt().format(one)))
    assert fields.pop("ts") == "2023-11-14T22:13:20.250Z"
    assert fields == {
        "level": "warn",
        "component": "polling.poller",
        "msg": "no answer within 2 s",
        "node": "n17",
    }


@pytest.mark.parametrize(
    ("name", "component"),
    [("rackwatt_operator.reflector", "reflector"), ("kopf._core.engines", "kopf._core.engines")],
)
def test_a_component_is_the_module_without_its_package_or_the_whole_name_of_another_logger(
    name: str, component: str
) -> None:
    assert json.loads(Json().format(record("x", name)))["component"] == component


def test_a_traceback_is_logged_in_the_same_line() -> None:
    one = record("broken")
    try:
        raise ValueError("why")
    except ValueError:
        one.exc_info = sys.exc_info()
    for form in (Logfmt(), Json()):
        line = form.format(one)
        assert "\n" not in line
        assert "Traceback" in line
        assert "ValueError: why" in line


def test_the_time_is_that_of_the_record() -> None:
    one = record("x")
    stamp = json.loads(Json().format(one))["ts"]
    assert datetime.fromisoformat(stamp).timestamp() == pytest.approx(one.created, abs=0.0015)
