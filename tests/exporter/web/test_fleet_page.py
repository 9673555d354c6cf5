"""The fleet page in Debian's Chromium, with the real command: visible text, keys, screen readers."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from rackwatt_exporter.reading import Reason
from rackwatt_exporter.remedies import REMEDIES
from tests.eventually import PATIENCE_S
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.running_exporter import rewrite
from tests.exporter.web.accessibility import COLOURS, CONTRAST, DEFICIENCIES, deficient, oklab
from tests.peers.chromium import Browser, chromium
from tests.peers.ports import free_port

HOSTS = """[
  {names: "n[01-40]", type: compute, rack: r1, fake: {min: 150, max: 400}},
  {names: "n[41-80]", type: compute, rack: r2, fake: {min: 150, max: 400}},
  {names: "g[1-8]", type: gpu, rack: r10, fake: {min: 900, max: 3000}},
  {names: "b[1-3]", type: compute, rack: r2, method: ipmi, addresses: "127.9.9.[1-3]", credentials: {secretRef: {name: none}}},
  {names: "<img src=x onerror=alert(1)>", type: "<b>t</b>", fake: {min: 5, max: 6}},
  {names: wrong, adress: y},
]"""
BINDING = """---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {name: prod}
spec:
  cluster: alpha
  interval: 200ms
  staleAfter: 10m
  noop: {states: [{names: "n[01-60]", state: allocated}, {names: "n[61-80]", state: idle}, {names: "g[1-8]", state: drained}]}
"""
# What is measured beside the targets: without counters of joules, the collector rapl fails.
OTHERS = """---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 200ms, node: {collectors: [cpu, rapl]}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: zone}
spec: {interval: 200ms, grid: {zone: FR, static: {gramsPerKilowattHour: 56}}}
"""
TARGETS = 40 + 40 + 8 + 3 + 1 + 1
# The name of one is no node name: it is shown, and never as HTML.
FAILED = {"b1", "b2", "b3", "wrong", "<img src=x onerror=alert(1)>"}
FAILING = len(FAILED)


def document(hosts: str, interval: str = "500ms") -> str:
    return (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: lab}\n"
        f"spec:\n  interval: {interval}\n  staleAfter: 10m\n  schedulerRef: {{name: prod}}\n"
        f"  bmc:\n    method: fake\n    hosts: {hosts}\n{BINDING}"
    )


@contextmanager
def exporting(directory: Path, port: int = 0) -> Iterator[Running]:
    with running(
        "run", f"--config.file={directory / 'lab.yaml'}", f"--secrets.directory={directory}",
        f"--web.listen-address=127.0.0.1:{port}", "--node.name=here", f"--path.sysfs={directory}",
    ) as run:  # fmt: skip
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("fleet")
    (directory / "lab.yaml").write_text(document(HOSTS))
    with exporting(directory) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        yield run.url


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a fleet of names as long as DNS allows, in a rack that is wider than a telephone."""
    directory = tmp_path_factory.mktemp("long")
    names, rack = f"{'x' * 60}[001-240]", "row-17-of-the-far-hall-of-the-old-building"
    hosts = f"[{{names: '{names}', rack: {rack}}}, {{names: rest}}]"
    (directory / "lab.yaml").write_text(document(hosts))
    with exporting(directory) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        yield run.url


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Browser]:
    """Give the page with all readings on it, and hold that it has no complaint in the end."""
    browser.theme("light")
    browser.open(url)
    browser.until(lambda: browser.count(".tile.known:not(.key *)") >= TARGETS - FAILING)
    yield browser
    assert browser.complaints() == []


def tile(name: str) -> str:
    return f'.racks .tile[aria-label^="{name}"]'


def test_every_target_is_a_tile_in_its_rack_and_totals_add_up(page: Browser) -> None:
    assert page.count(".racks .tile") == TARGETS
    assert page.count(".racks .tile.failing") == FAILING
    racks = page.run(
        "return [...document.querySelectorAll('.rack-head .name')].map((e) => e.textContent)"
    )
    assert racks == ["r1", "r2", "r10", "no rack"]
    assert page.text("#sum-words") == f"sum of {TARGETS - FAILING} of {TARGETS} targets"
    states = page.run(
        "return [...document.querySelectorAll('#states .tally')].map((e) => [e.children[0].textContent, e.children[1].textContent])"
    )
    assert dict(states) == {
        "allocated": "60", "idle": "20", "drained": "8", "no state": "0 of 5",
    }  # fmt: skip
    assert re.fullmatch(r"[\d.]+ kW", page.text("#sum-watts"))


def test_failing_targets_come_first_with_their_reasons_and_advice(page: Browser) -> None:
    assert page.text("nav section:not([hidden]) h2") == f"{FAILING} failing"
    first = page.text("#failing .reason")
    assert first.startswith("credentials_missing3")
    advice = REMEDIES[Reason.CREDENTIALS_MISSING]
    assert advice.description.replace("`", "") in first
    assert advice.remedy.replace("`", "") in first
    assert "hosts[5].adress" in page.text("#problems")


def test_schedulers_collectors_and_zones_are_listed_with_values_and_errors(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(document("[{names: n01}]") + OTHERS)
    with exporting(tmp_path) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        browser.open(run.url)
        browser.until(lambda: browser.count(".list li") == 4)
        assert browser.run(HEADINGS) == ["Schedulers 1", "Collectors 2", "Grids 1"]
        found = "return [...document.querySelectorAll('.list li > :first-child')].map((e) => e.textContent)"
        scheduler, cpu, rapl, zone = browser.run(found)
        assert scheduler.startswith("prod (noop) 60 allocated, 8 drained, 20 idle ")
        assert re.fullmatch(r"here \(cpu\) read \d s ago", cpu)
        assert rapl == "here (rapl) no value never read"
        assert re.fullmatch(r"FR \(static\) 56 g/kWh \d s ago", zone)
        assert browser.text(".list li.failing .message").startswith("absent: ")
        assert browser.text("#failing-title") == "1 failing"
        assert browser.text("#failing .reason").startswith("absent1")
        assert "here (rapl)" in browser.text("#failing .nodes")
        assert browser.text("#announcement") == "1 targets, 1 failing."
        browser.find("#failing .all").click()
        browser.until(lambda: browser.count(".list li") == 1)
        assert browser.run(HEADINGS) == ["Schedulers 0 of 1", "Collectors 1 of 2", "Grids 0 of 1"]
        assert browser.count(".racks .tile") == 0
        browser.press("/", Keys.ESCAPE, "static")
        browser.until(lambda: browser.text(".list li .name") == "FR (static)")
        assert browser.complaints() == []


def test_without_a_target_the_lists_are_there_and_nothing_of_a_fleet(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(BINDING + OTHERS)
    with exporting(tmp_path) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        browser.open(run.url)
        browser.until(lambda: browser.count(".list li") == 4)
        assert browser.text("#sum-words") == "no targets"
        assert browser.count(".totals, .racks, .tile") == 0
        browser.press("/", "cpu", Keys.ENTER)
        browser.until(lambda: browser.count(".list li") == 1)
        assert browser.complaints() == []


HEADINGS = "return [...document.querySelectorAll('.list h2')].map((e) => e.textContent)"


def test_failing_and_unknown_differ_in_shape_not_by_colour_alone(page: Browser) -> None:
    shapes = page.run(
        "return ['failing', 'off', 'unknown', 'measured'].map((kind) => {"
        " const tile = document.querySelector(`.key .${kind}`) ?? document.querySelector(`.racks .${kind}`);"
        " const style = getComputedStyle(tile);"
        " return [style.borderRadius, style.borderTopStyle, style.backgroundImage !== 'none', style.scale].join() })"
    )
    assert len(set(shapes)) == 4


def test_search_narrows_by_words_and_by_fields(page: Browser) -> None:
    page.press("/")
    assert page.focused().startswith("Search")
    page.press("n1")
    page.until(lambda: page.count(".racks .tile") == 10)
    assert page.text("#found").startswith(f"10 of {TARGETS} targets")
    page.press(Keys.ESCAPE)
    page.until(lambda: page.count(".racks .tile") == TARGETS)
    page.press("measured")  # its first letter leaves the machines of type compute
    page.until(lambda: page.count(".racks .tile") == 0)
    assert page.text("#found") == f"None of {TARGETS} targets fits. Escape clears the search."
    assert "kW" not in page.text("#legend"), "of nothing no scale is made up"
    page.press(Keys.ESCAPE)
    page.press("rack:r2 state:idle state:allocated")
    page.until(lambda: page.count(".racks .tile") == 40)
    assert page.count(".rack") == 1
    page.press(Keys.ESCAPE)
    page.find("#states .tally").click()
    page.until(lambda: page.count(".racks .tile") in (8, 60))
    assert "#q=state" in page.driver.current_url


def test_totals_filter_the_page_one_after_the_other_and_can_be_removed(page: Browser) -> None:
    pressed = "return [...document.querySelectorAll('.tally[aria-pressed=true] .name')].map((e) => e.textContent)"
    choose = "[...document.querySelectorAll('.tally')].find((e) => e.firstChild.textContent === arguments[0]).click()"
    page.run(choose, "compute")
    page.until(lambda: page.count(".racks .tile") == 84)
    page.run(choose, "idle")
    page.until(lambda: page.count(".racks .tile") == 20)
    assert page.run(pressed) == ["idle", "compute"]
    page.run(choose, "compute")
    page.run(choose, "allocated")
    page.until(lambda: page.count(".racks .tile") == 80)
    assert page.find("#query").get_attribute("value") == "state:idle state:allocated"
    page.press(Keys.ESCAPE)
    page.until(lambda: page.count(".racks .tile") == TARGETS)
    assert page.run(pressed) == []


def test_racks_stand_in_line_whether_any_of_their_machines_fails(page: Browser) -> None:
    widths = page.run(
        "return [...document.querySelectorAll('.rack')].map((e) => [e.querySelector('.name').textContent, e.offsetWidth])"
    )
    assert len({width for _, width in widths}) == 1, widths
    assert page.run("return document.querySelector('.failures:not(:empty)').checkVisibility()")


def test_large_counts_break_no_word_beside_them(page: Browser) -> None:
    lines = page.run(
        "return [...document.querySelectorAll('#states .tally')].map((row) => {"
        " row.querySelector('.count').textContent = '66,627 of 66,800';"
        " return [row.firstChild.textContent, row.firstChild.offsetHeight] })"
    )
    assert len({height for _, height in lines}) == 1, lines


@pytest.mark.parametrize("width", [400, 720, 1440])
@pytest.mark.parametrize("view", ["", "#view=table", "#view=table&node=rest"])
def test_at_no_width_does_the_page_scroll_sideways(
    browser: Browser, long_names: str, width: int, view: str
) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.devtools("Emulation.setDeviceMetricsOverride", **size)
    try:
        browser.open(f"{long_names}/{view}")
        browser.until(lambda: browser.count(".racks .tile.known, tbody tr") >= 200)
        widest = browser.run("return document.documentElement.scrollWidth")
        assert widest <= browser.run("return innerWidth")
    finally:
        browser.devtools("Emulation.clearDeviceMetricsOverride")


def test_a_view_can_be_sent_to_a_colleague(page: Browser, url: str) -> None:
    page.open(f"{url}/#q=type%3Agpu&node=g3")
    page.until(lambda: page.count(".racks .tile.known") == 8)
    page.until(lambda: page.text("#details-title") == "g3")


def test_arrow_keys_move_over_tiles_and_racks_and_enter_opens(page: Browser) -> None:
    page.run("document.querySelector('.racks .tile').focus()")
    assert page.focused().startswith("n01, ")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert page.focused().startswith("n10, ")
    page.press(Keys.END)
    assert page.focused().startswith("n40, ")
    page.press(Keys.ARROW_RIGHT)
    assert page.focused().startswith("n41, ")
    page.press(Keys.PAGE_DOWN)
    assert page.focused().startswith("g1, ")
    page.press(Keys.HOME, Keys.ARROW_LEFT, Keys.PAGE_UP, Keys.ARROW_UP)
    assert page.focused().startswith("n01, ")
    assert page.run("return document.querySelectorAll('.racks [tabindex=\"0\"]').length") == 1
    page.press(Keys.ENTER)
    assert page.focused() == "details"
    assert page.text("#details-title") == "n01"
    page.press(Keys.ESCAPE)
    assert page.focused().startswith("n01, ")
    assert page.count("#details") == 0


def test_a_click_shows_everything_about_a_target(page: Browser) -> None:
    page.find(tile("g2")).click()
    page.until(lambda: "Source of the value" in page.text("#details"))
    details = page.text("#details")
    for fact in (
        "Statedrained",
        "Rackr10",
        "Typegpu",
        "Methodfake",
        "valuefake",
        "Errorsnone",
        "Documentlab",
    ):
        assert fact in details
    assert re.search(r"\d k?W read \d+ s ago", details)
    assert page.count(tile("g2") + '[aria-selected="true"]') == 1


def test_a_click_on_a_failing_target_shows_what_to_do(page: Browser) -> None:
    page.find(tile("b1")).click()
    page.until(lambda: page.count(".trouble h3"))
    details = page.text("#details")
    assert "never read" in details
    assert REMEDIES[Reason.CREDENTIALS_MISSING].remedy.replace("`", "") in details
    assert "username" in page.text(".trouble .message"), "what the target itself said"
    assert re.search(r"Errorscredentials_missing \d+×", details)


def test_numbers_and_targets_arrive_without_reload(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(document("[{names: n1, rack: r1}]"))
    with exporting(tmp_path) as run:
        browser.open(run.url)
        browser.until(lambda: browser.count(".racks .tile.known") == 1)
        browser.run("window.unchanged = true")
        assert browser.text("#sum-words") == "sum of 1 target"
        before = browser.text("#sum-watts")
        browser.until(lambda: browser.text("#sum-watts") != before)
        browser.find(".racks .tile").click()
        browser.press("/")
        rewrite(path, document("[{names: n0, rack: r0}, {names: n1, rack: r1}]"))
        browser.until(lambda: browser.count(".racks .tile.known") == 2)
        assert browser.text("#details-title") == "n1", "what is open stays open in its new place"
        assert browser.focused().startswith("Search"), "and takes no focus from who is typing"
        assert browser.run("return window.unchanged")


def test_silence_is_shown_with_its_time_and_ends_by_itself(
    browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(document("[{names: n1, rack: r1}]"))
    port = free_port()
    with exporting(tmp_path, port) as run:
        browser.open(run.url)
        browser.until(lambda: browser.count(".racks .tile.known") == 1)
        assert browser.count("#silence") == 0
    browser.until(lambda: browser.count("#silence"))
    assert re.search(r"No response from the exporter since \d+:\d+:\d+", browser.text("#silence"))
    assert browser.text("#pulse-words") == "no answer"
    browser.press("/", "n1")
    assert browser.count("#silence"), "looking for something is not hearing from the exporter"
    with exporting(tmp_path, port):
        browser.until(lambda: not browser.count("#silence"))
        browser.until(lambda: browser.text("#pulse-words") == "live")


def test_without_scripts_the_plain_list_is_there(browser: Browser, url: str) -> None:
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.driver.get(url)
        browser.until(lambda: browser.driver.current_url == f"{url}/plain")
        assert browser.find("tbody tr:first-child td").text in FAILED
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def test_the_table_has_all_of_it_and_sorts(page: Browser) -> None:
    page.find("#view-table").click()
    first = "return [...document.querySelectorAll('tbody tr')].map((e) => e.cells[0].textContent)"
    assert len(page.run(first)) == TARGETS
    assert set(page.run(first)[:FAILING]) == FAILED
    page.find("thead th:nth-child(2) button").click()
    assert set(page.run(first)[:8]) == {f"g{number}" for number in range(1, 9)}
    assert page.find("thead th:nth-child(2)").get_attribute("aria-sort") == "descending"
    assert set(page.run(first)[-FAILING:]) == FAILED, "unknown comes last"
    page.find("thead th:nth-child(2) button").click()
    assert set(page.run(first)[-FAILING:]) == FAILED, "either way"
    assert page.run(first)[0].startswith("n")


def test_names_from_documents_are_never_read_as_html(page: Browser) -> None:
    assert page.run("return document.querySelectorAll('main img, main b, nav b').length") == 0
    assert "<b>t</b>" in page.text("#types")


def test_nothing_comes_from_anywhere_else(page: Browser, url: str) -> None:
    names = page.run("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert len(names) > 15
    assert all(name.startswith(url) for name in names)


def test_every_control_has_an_accessible_name(page: Browser) -> None:
    page.find(tile("b1")).click()
    page.until(lambda: page.count(".trouble h3"))
    page.devtools("Accessibility.enable")
    nodes = page.devtools("Accessibility.getFullAXTree")["nodes"]
    page.devtools("Accessibility.disable")
    names: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            names.setdefault(node["role"]["value"], []).append(
                node.get("name", {}).get("value", "")
            )
    for role in ("button", "searchbox", "grid", "row", "gridcell", "heading", "link", "navigation"):
        assert names[role], role
        assert all(names[role]), (role, names[role])
    assert len(names["gridcell"]) == TARGETS
    assert len(names["row"]) == 4
    assert any(re.fullmatch(r"n01, \d+ W, allocated", name) for name in names["gridcell"])
    assert "b1, no watts, failing: credentials_missing" in names["gridcell"]
    assert any(name.startswith("Rack r2: ") and name.endswith("3 failing") for name in names["row"])
    assert page.text("#announcement") == f"{TARGETS} targets, {FAILING} failing."
    assert page.find("#announcement").get_attribute("aria-live") == "polite"


def test_failures_and_recoveries_are_announced_at_intervals(
    browser: Browser, tmp_path: Path
) -> None:
    hosts = "[{names: n1}, {names: n2}]"
    broken = hosts.replace("names: n1", "names: n1, fake: {min: 9, max: 1}")
    (tmp_path / "lab.yaml").write_text(document(broken))
    with exporting(tmp_path) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        browser.open(run.url)
        browser.until(lambda: browser.text("#announcement") == "2 targets, 1 failing.")
        rewrite(tmp_path / "lab.yaml", document(hosts))
        browser.until(lambda: browser.text("#failing-title") == "Nothing fails")
        assert browser.text("#announcement") == "2 targets, 1 failing.", (
            "not yet: it was said just now"
        )
        browser.run(LATER)
        browser.until(lambda: browser.text("#announcement") == "n1 not failing any more.")
        rewrite(tmp_path / "lab.yaml", document(broken))
        browser.until(lambda: browser.text("#failing-title") == "1 failing")
        browser.run(LATER)
        browser.until(lambda: browser.text("#announcement") == "n1 now failing: invalid_entry.")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_are_legible(page: Browser, theme: str) -> None:
    page.theme(theme)
    page.find(tile("b1")).click()
    page.until(lambda: page.count(".trouble h3"))
    poor = page.run(CONTRAST)
    assert poor == []
    assert page.run("return getComputedStyle(document.body).backgroundColor") == {
        "light": "rgb(244, 246, 248)", "dark": "rgb(14, 19, 26)",
    }[theme]  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_scale_is_even_and_keeps_its_order_for_every_eye(page: Browser, theme: str) -> None:
    colours = page.run(COLOURS, theme == "dark")
    assert len(colours) == 33
    lightness = [oklab(colour)[0] for colour in colours]
    steps = [after - before for before, after in pairwise(lightness)]
    even = sum(steps) / len(steps)
    assert even > 0 if theme == "dark" else even < 0
    assert all(0.6 < step / even < 1.4 for step in steps), "8-bit colours leave some unevenness"
    for kind, matrix in DEFICIENCIES.items():
        seen = [oklab(deficient(colour, matrix)) for colour in colours[::4]]
        apart = [
            sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) ** 0.5 for x, y in pairwise(seen)
        ]
        assert min(apart) > 0.05, kind
        order = [colour[0] for colour in seen]
        assert order == sorted(order, reverse=theme == "light"), kind


def test_ten_thousand_nodes_appear_and_go_on(browser: Browser, tmp_path: Path) -> None:
    racks = "".join(
        f'{{names: "n[{first:05}-{first + 39:05}]", rack: r{first // 40 + 1}}},'
        for first in range(0, 10_000, 40)
    )
    (tmp_path / "lab.yaml").write_text(document(f"[{racks}]", interval="10s"))
    with exporting(tmp_path) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        started_s = time.monotonic()
        browser.open(run.url)
        browser.until(lambda: browser.run("return window.paintedAt"))
        painted_s = browser.run("return window.paintedAt") / 1000
        assert (
            browser.run("return document.querySelectorAll('.racks .tile.known').length") == 10_000
        )
        print(
            f"\n10,000 tiles painted {painted_s:.2f} s after navigation, seen after {time.monotonic() - started_s:.2f} s"
        )
        browser.run(LONG_TASKS)
        before = browser.text("#sum-watts")
        browser.until(lambda: browser.text("#sum-watts") != before)
        browser.until(lambda: browser.run("return window.updates") >= 3)
        print(f"updates that took over 50 ms: {browser.run('return window.long')} (ms)")
        browser.press("/", "r77")
        browser.until(lambda: browser.count(".racks .tile") == 40)
        assert browser.complaints() == []


# The clock by which the page holds back what it says, put on.
LATER = (
    "{ const real = performance.now.bind(performance); performance.now = () => real() + 60_000; }"
)

LONG_TASKS = """
window.long = [];
window.updates = 0;
new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({type: "longtask"});
new MutationObserver(() => (updates += 1)).observe(document.getElementById("sum-watts"), {childList: true, characterData: true, subtree: true});
"""


def test_the_advice_of_a_target_is_that_of_its_very_cause(browser: Browser, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        hosts = f"[{{names: n1, method: redfish, address: 127.0.0.1, redfish: {{port: {port}}}}}]"
        (tmp_path / "lab.yaml").write_text(document(hosts))
        answering = threading.Thread(target=answer_without_tls, args=(plain,), daemon=True)
        answering.start()
        with exporting(tmp_path) as run:
            run.until_served(lambda text: "does not speak TLS" in text, "/status")
            browser.open(run.url)
            browser.until(lambda: browser.count(".racks .tile.failing") == 1)
            assert REMEDIES[Reason.TLS_FAILED].remedy.replace("`", "") in browser.text("#failing")
            browser.find(".racks .tile").click()
            browser.until(lambda: browser.count(".trouble .remedy"))
            assert "set redfish.scheme: http" in browser.text(".trouble .remedy")
        plain.shutdown(socket.SHUT_RDWR)
        answering.join(PATIENCE_S)


def answer_without_tls(plain: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = plain.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
