"""Pictures of pages: the fleet, a node, and the alerts of Prometheus."""

from scripts.pictures.camera import resize, save
from tests.peers.chromium import Browser

UNFOLDED = "RackwattAccessRefused"
_UNFOLD = """
const rows = [...document.querySelectorAll("#alertsTable > tbody > tr")];
rows.filter((row) => !row.className).forEach((row) => row.hidden = true);
rows.find((row) => row.textContent.includes(arguments[0])).click();
document.querySelector("div.show-annotations").click();
document.querySelectorAll("pre").forEach((rule) => rule.style.whiteSpace = "pre-wrap");
"""


def fleet(browser: Browser, url: str, tiles: int) -> None:
    """Take the fleet page with a target that fails, once it has so many tiles."""
    resize(browser, 1500, 850)
    browser.open(f"{url}/#node=cn522")
    browser.until(lambda: browser.count(".tile.known") > tiles)
    browser.until(lambda: "auth_failed" in browser.text("body"))
    save(browser, "fleet.png")


def node(browser: Browser, url: str) -> None:
    """Take the page of a node, with the jobs of its last minutes."""
    resize(browser, 1500, 850)
    browser.open(f"{url}/node")
    browser.until(lambda: browser.count("#plot polygon") > 2)
    save(browser, "node.png")


def alerts(browser: Browser, url: str) -> None:
    """Take Prometheus' page of alerts, one of them unfolded; the temporary path is hidden."""
    resize(browser, 1350, 1000)
    browser.open(f"{url}/classic/alerts")
    browser.until(lambda: browser.count(".alert_header") > 0)
    browser.run(_UNFOLD, UNFOLDED)
    browser.until(lambda: browser.count(".alert_annotations") > 0)
    save(browser, "alerts.png")
