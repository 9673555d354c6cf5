"""Jobs of nodes and colours of their states on the fleet page, in Debian's Chromium.

The scheduler is a Slurm whose commands are scripts: they print files that a test may replace.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from rackwatt_exporter.schedulers.slurm.output_format import MARK
from rackwatt_exporter.schedulers.slurm.squeue_output import _COLUMNS
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.web.accessibility import CONTRAST, DEFICIENCIES, deficient, oklab
from tests.peers.chromium import Browser, chromium

STATES = {"n1": "allocated", "n2": "mixed", "n3": "idle", "n4": "down", "n5": "drained"}
DOCUMENT = """
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: lab}}
spec:
  interval: 200ms
  staleAfter: 10m
  schedulerRef: {{name: prod}}
  bmc: {{method: fake, hosts: [{{names: "n[1-6]", rack: r1, fake: {{min: 150, max: 400}}}}]}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: pdus}}
spec: {{interval: 200ms, bmc: {{method: fake, hosts: [{{names: pdu1, type: pdu, rack: r1}}]}}}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec: {{cluster: alpha, interval: 200ms, staleAfter: 10m, slurm: {{cli: {{path: {folder}}}}}}}
"""
SINFO = """#!/bin/sh
case "$*" in *--version*) echo slurm 24.11.5;; *%D*) echo "5|5|";; *) cat {folder}/sinfo.txt;; esac
"""
SQUEUE = "#!/bin/sh\nexec cat {folder}/squeue.txt\n"


def sinfo(states: dict[str, str]) -> str:
    return "".join(
        f"{name}{MARK}{state}|{state}|{name}|batch|{name}|none|{name}|0/8/0/8|1000|0|(null)|(null)|"
        f"(null)|0|1|{name}|0.5|9|{name}|\n"
        for name, state in states.items()
    )


def job(number: int, user: str, nodes: str, cpus: int, count: int = 1) -> str:
    columns = {
        "JobArrayID": str(number), "JobID": str(number), "State": "RUNNING", "UserName": user,
        "tres-alloc": f"cpu={cpus},mem={cpus}G,node={count},gres/gpu=1", "Account": "phys",
        "Partition": "batch", "NodeList": nodes, "SubmitTime": "100", "StartTime": "200",
    }  # fmt: skip
    values = "|".join(columns.get(name, "N/A") for name in _COLUMNS)
    return values.replace("|", MARK, 1) + "|\n"


JOBS = (
    "".join(job(100 + n, f"user{n % 7}", "n1", 1 + n) for n in range(25))
    + job(200, "alice", "n[2,4-5]", 16, 3)
    + job(201, "<b>bob</b>", "n2", 2)
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jobs")
    for name, script in (("sinfo", SINFO), ("squeue", SQUEUE)):
        (folder / name).write_text(script.format(folder=folder))
        (folder / name).chmod(0o755)
    (folder / "lab.yaml").write_text(DOCUMENT.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def exporter(folder: Path) -> Iterator[Running]:
    (folder / "sinfo.txt").write_text(sinfo(STATES))
    (folder / "squeue.txt").write_text(JOBS)
    listen = "--web.listen-address=127.0.0.1:0"
    with running("run", f"--config.file={folder / 'lab.yaml'}", listen) as run:
        run.until_served(lambda text: '"jobs": {"running": 27}' in text, "/status")
        run.until_served(lambda text: text == "ready\n", "/readyz")
        yield run


@pytest.fixture
def page(browser: Browser, exporter: Running, folder: Path) -> Iterator[Browser]:
    """Give the page with all readings on it, and hold that it has no complaint in the end."""
    (folder / "sinfo.txt").write_text(sinfo(STATES))
    (folder / "squeue.txt").write_text(JOBS)
    browser.theme("light")
    browser.open(exporter.url)
    browser.until(lambda: browser.count(".racks .tile.known") == 7)
    yield browser
    assert browser.complaints() == []


def tile(name: str) -> str:
    return f'.racks .tile[aria-label^="{name}, "]'


def jobs_of(page: Browser, name: str, words: str) -> str:
    """Open the details of a node, and return what they say of its jobs once they have the words."""
    page.find(tile(name)).click()
    page.until(lambda: page.text("#details-title") == name and words in plain(page, ".jobs"))
    return plain(page, ".jobs")


def plain(page: Browser, selector: str) -> str:
    """Return a text with its spaces where no line is broken as others."""
    return page.text(selector).replace("\xa0", " ")


def test_the_details_show_the_largest_jobs_of_a_node_with_a_count_of_all_and_their_users(
    page: Browser,
) -> None:
    text = jobs_of(page, "n1", "25 jobs")
    assert "25 jobs: 4 of user0, 4 of user1, 4 of user2, 4 of user3, 3 of user4, " in text
    assert "and of 2 more users" in text
    assert page.count(".jobs li") == 20
    assert page.text(".jobs li .name") == "124"
    assert plain(page, ".jobs li .facts") == "user3 / phys · batch · 25 CPUs, 25 GiB, 1 GPU"
    assert " d " in page.text(".jobs li .since")
    assert page.text(".jobs .more") == "and 5 more"


def test_a_job_of_several_nodes_is_on_each_with_what_it_holds_in_all(page: Browser) -> None:
    for name in ("n2", "n4", "n5"):
        assert "200" in jobs_of(page, name, "16 CPUs, 16 GiB, 1 GPU on 3 nodes")
    text = jobs_of(page, "n2", "2 jobs: 1 of alice, 1 of <b>bob</b>")
    assert "2 CPUs, 2 GiB, 1 GPU" in text
    assert page.count(".jobs b") == 0


def test_a_node_without_a_job_has_none_and_a_target_without_a_scheduler_says_nothing(
    page: Browser,
) -> None:
    assert jobs_of(page, "n3", "None") == "JobsNone holds this node."
    page.find(tile("pdu1")).click()
    page.until(lambda: page.text("#details-title") == "pdu1" and "Type" in page.text("#details dl"))
    assert page.text(".jobs") == ""


def test_jobs_that_are_not_known_are_said_to_be_so_with_the_reason(
    page: Browser, folder: Path
) -> None:
    assert "does not list this node" in jobs_of(page, "n6", "Not known: scheduler prod")
    jobs_of(page, "n1", "25 jobs")
    (folder / "squeue.txt").unlink()
    page.until(lambda: "Not known: command_failed: " in page.text(".jobs"))
    assert page.count(".jobs li") == 0
    (folder / "squeue.txt").write_text(JOBS)
    page.until(lambda: "25 jobs" in page.text(".jobs"))


def test_the_feed_of_the_fleet_has_no_job(exporter: Running) -> None:
    layout = exporter.get("/fleet/layout")
    name = layout.split('"layout":"')[1].split('"')[0]
    readings = exporter.get(f"/fleet/readings?layout={name}&since=0")
    assert '"watts":[' in readings
    for word in ("user1", "alice", "phys"):
        assert word not in layout + readings
        assert word in exporter.get("/fleet/target?node=n1") + exporter.get("/fleet/target?node=n2")


def colours(page: Browser) -> dict[str, str]:
    """Return the colour of each node's tile."""
    script = (
        "return Object.fromEntries([...document.querySelectorAll('.racks .tile')].map((e) =>"
        " [e.ariaLabel.split(',')[0], e.style.backgroundColor]))"
    )
    return dict(page.run(script))


def test_tiles_are_coloured_by_state_where_that_is_chosen_and_the_legend_says_which(
    page: Browser, exporter: Running, folder: Path
) -> None:
    assert page.count("#colour-state") == 1
    assert "idle" not in page.text("#legend")
    page.find("#colour-state").click()
    by_state = colours(page)
    assert by_state["n6"] == by_state["pdu1"] == "", "a node without a state has no colour"
    assert len({by_state[name] for name in STATES}) == len(STATES)
    keys = "return [...document.querySelectorAll('#legend .key')].map((e) => e.textContent)"
    expected = ["allocated", "mixed", "idle", "drained", "down"]
    assert page.run(keys)[:5] == expected
    assert "no state" in page.run(keys)
    assert page.count(f"{tile('n6')}.stateless") == 1
    assert "colour=state" in page.driver.current_url
    (folder / "sinfo.txt").write_text(sinfo({**STATES, "n1": "idle", "n4": "draining"}))
    page.until(lambda: colours(page)["n1"] == by_state["n3"])
    page.until(lambda: colours(page)["n4"] == by_state["n5"])
    page.until(lambda: page.run(keys)[:3] == ["mixed", "idle", "drained, draining"])
    page.find("#colour-power").click()
    assert "colour" not in page.driver.current_url
    assert "kW" in page.text("#legend") or " W" in page.text("#legend")
    assert all(colours(page).values())


def test_the_choice_of_colours_is_kept_in_the_address_and_needs_no_pointer(
    page: Browser, exporter: Running
) -> None:
    page.open(f"{exporter.url}/#colour=state")
    page.until(lambda: page.count(".racks .tile.known") == len(STATES))
    pressed = "return ['power', 'state'].map((name) => document.getElementById(`colour-${name}`).ariaPressed)"
    assert page.run(pressed) == ["false", "true"]
    page.run("document.getElementById('colour-state').focus()")
    page.press(Keys.SHIFT + Keys.TAB)
    assert page.focused() == "colour-power"
    page.press(Keys.ENTER)
    page.until(lambda: page.run(pressed) == ["true", "false"])
    assert page.run("return document.getElementById('colours').ariaLabel") == "Colour of the tiles"
    page.find("#view-table").click()
    assert page.count("#colours") == 0, "a table has no colours"


def test_without_a_state_there_is_no_choice_of_colours(browser: Browser, tmp_path: Path) -> None:
    target, *_ = DOCUMENT.format(folder=tmp_path).split("---")
    (tmp_path / "lab.yaml").write_text(target.replace("  schedulerRef: {name: prod}\n", ""))
    listen = "--web.listen-address=127.0.0.1:0"
    with running("run", f"--config.file={tmp_path / 'lab.yaml'}", listen) as run:
        browser.open(run.url)
        browser.until(lambda: browser.count(".racks .tile.known") == 6)
        assert browser.count("#colours") == 0
        browser.find(tile("n1")).click()
        browser.until(lambda: "Type" in browser.text("#details dl"))
        assert browser.text(".jobs") == ""
        assert browser.complaints() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_colours_of_states_are_legible_in_both_themes(page: Browser, theme: str) -> None:
    page.theme(theme)
    page.find("#colour-state").click()
    jobs_of(page, "n1", "25 jobs")
    assert page.run(CONTRAST) == []
    assert colours(page)["n1"] == page.run(COLOUR_OF, theme == "dark", "allocated")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_of_different_meaning_look_different_to_every_eye(page: Browser, theme: str) -> None:
    seen = page.run(PALETTE, theme == "dark")
    assert len(seen) == 8
    for kind, matrix in DEFICIENCIES.items():
        apart = {
            (a, b): distance(deficient(seen[a], matrix), deficient(seen[b], matrix))
            for a, b in combinations(range(8), 2)
        }
        assert min(apart.values()) > 0.05, (kind, min(apart, key=lambda pair: apart[pair]))


def distance(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    return float(sum((x - y) ** 2 for x, y in zip(oklab(a), oklab(b), strict=True)) ** 0.5)


COLOUR_OF = """
return import("/fleet/states.js").then(({ groupOf, stateColours }) => {
  const tile = document.createElement("span");
  tile.style.backgroundColor = stateColours(arguments[0])[groupOf(arguments[1])];
  return tile.style.backgroundColor;
});
"""
PALETTE = """
return import("/fleet/states.js").then(({ stateColours }) => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  return stateColours(arguments[0]).map((colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  });
});
"""
