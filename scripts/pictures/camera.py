"""Screenshots of Chromium, into the documentation."""

import time
from pathlib import Path

from tests.peers.chromium import Browser

DOCS = Path(__file__).parents[2] / "docs"
MAX_BYTES = 250_000


def resize(browser: Browser, width: int, height: int) -> None:
    """Give the page a size, without scroll bars."""
    browser.devtools("Emulation.setScrollbarsHidden", hidden=True)
    browser.devtools(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=height, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip


def save(browser: Browser, name: str) -> None:
    """Write a picture, as PNG of few enough bytes for a repository."""
    time.sleep(2)  # what is drawn settles
    path = DOCS / name
    path.write_bytes(browser.driver.get_screenshot_as_png())
    print(f"{path.name}: {path.stat().st_size} bytes")
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path.name} has more than {MAX_BYTES} bytes")
