"""Debian's Chromium, driven by Selenium: what a person at the page sees, hears and presses."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement

from tests.eventually import PATIENCE_S

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
)
# Notes what a content security policy keeps from happening, and when the first tiles are painted.
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
addEventListener("DOMContentLoaded", () => new MutationObserver((_, observer) => {
  if (!document.querySelector(".tile.known")) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => (window.paintedAt = performance.now())));
}).observe(document, {subtree: true, attributes: true, attributeFilter: ["class"]}));
"""


class Browser:
    """One window."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.devtools("Page.enable")
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, url: str) -> None:
        """Go to a page, from a blank one: its address alone may differ behind the #.

        What the page before complained of is forgotten: its exporter may have gone.
        """
        self.driver.get("about:blank")
        self.complaints()
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script's body and give what it returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """Find one element."""
        return self.driver.find_element("css selector", selector)

    def count(self, selector: str) -> int:
        """Count elements that are shown."""
        script = "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).length"
        return int(self.run(script, selector))

    def text(self, selector: str) -> str:
        """Return an element's text."""
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def focused(self) -> str:
        """Return the accessible name, or the id, of what has the focus."""
        return str(self.run("const e = document.activeElement; return e.ariaLabel ?? e.id"))

    def until(self, message: Callable[[], Any], limit_s: float = PATIENCE_S) -> Any:
        """Wait until something holds, and give it."""
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if found := message():
                return found
            time.sleep(0.02)
        raise AssertionError(f"not seen in time; the page:\n{self.text('body')[:2000]}")

    def complaints(self) -> list[str]:
        """Return every error on the console and every violation of a policy since the last call."""
        logged = [entry["message"] for entry in self.driver.get_log("browser")]
        return logged + list(self.run("return (window.violations ?? []).splice(0)"))

    def theme(self, name: str) -> None:
        """Prefer light or dark."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.devtools("Emulation.setEmulatedMedia", features=[feature])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser with a fresh profile, and end it."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            yield Browser(driver)
        finally:
            driver.quit()
