"""The page of traces in a real browser: text for people, whatever a job sends."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.eventually import PATIENCE_S
from tests.exporter.commands.exporter_process import Running
from tests.exporter.schedulers.model.test_trace import ORIGINAL
from tests.exporter.web.accessibility import CONTRAST
from tests.peers.chromium import Browser, chromium
from tests.trace.test_wrapper import exporter

SCRIPT = "<script>document.title = 'hacked'</script><img src=x onerror='document.title = 1'>"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory: Path = tmp_path_factory.mktemp("traced")
    with exporter(directory) as run:
        for rank in range(12):
            report(run, job_id=1, step="0", rank=rank, gpus=1, gpu_mem=2**31, processes=3)
        report(run, job_id="8_3", username=SCRIPT, hostname=SCRIPT, step=SCRIPT, cpus=None)
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def report(run: Running, **fields: object) -> None:
    message = {name: it for name, it in {**ORIGINAL, **fields}.items() if it is not None}
    request = urllib.request.Request(
        f"{run.url}/trace", json.dumps(message).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S):
        pass


def test_the_page_lists_each_process_with_numbers_that_people_read(
    run: Running, browser: Browser
) -> None:
    browser.open(f"{run.url}/trace")
    assert browser.count("tbody tr") == 13
    heads = browser.run(
        "return [...document.querySelectorAll('th[scope=col]')].map((e) => e.textContent)"
    )
    cells = browser.run(
        "return [...document.querySelectorAll('tbody tr:first-child td')].map((e) => e.textContent)"
    )
    first = dict(zip(heads, cells, strict=True))
    assert (first["Job"], first["Step"], first["Rank"], first["User"]) == ("1", "0", "0", "alice")
    assert (first["CPUs"], first["Memory"], first["Written"]) == ("1.00", "4.0 KiB", "12 B")
    assert (first["GPUs"], first["GPU memory"], first["Processes"]) == ("1", "2.0 GiB", "3")
    assert "The scheduler's jobs are not known now." in browser.text("body")


def test_the_page_shows_a_script_as_text_and_runs_none(run: Running, browser: Browser) -> None:
    browser.open(f"{run.url}/trace")
    assert browser.driver.title == "Traces of jobs – Rackwatt"
    assert browser.count("tbody img, tbody script") == 0
    assert browser.text("tbody tr:last-child").count(SCRIPT) == 3
    assert browser.complaints() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_can_be_read_in_either_theme(run: Running, browser: Browser, theme: str) -> None:
    scheme = {"name": "prefers-color-scheme", "value": theme}
    browser.devtools("Emulation.setEmulatedMedia", features=[scheme])
    browser.open(f"{run.url}/trace")
    assert browser.run(CONTRAST) == []
