"""Pictures of dashboards, drawn by Grafana's own panels.

Debian has no Grafana. Its panels are libraries at npm, under the Apache License: `grafana/` puts
them around a dashboard of the operator, and the answers of Prometheus into them.
"""

import contextlib
import http.server
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from scripts.pictures.camera import resize, save
from tests.peers.chromium import Browser

_HERE = Path(__file__).parent / "grafana"
_WIDTH = 1500
_LIMIT_S = 60.0
_FONTS = {"400": "Inter-Regular", "500": "Inter-Medium"}
_DRAW = """
window.failure = "";
draw(...arguments).catch((error) => { window.failure = String(error.stack); });
"""


class Grafana:
    """The panels at a URL, and the Prometheus that they query."""

    def __init__(self, url: str, prometheus: str) -> None:
        self._url = url
        self._prometheus = prometheus

    def take(self, browser: Browser, name: str, model: dict[str, Any], since_s: float) -> None:
        """Take the picture of a dashboard, from a moment until now.

        Raises:
            RuntimeError: it could not be drawn, with the error of the page.
        """
        resize(browser, _WIDTH, 900)
        browser.open(self._url)
        browser.run(_DRAW, model, self._prometheus, since_s, time.time())
        count = len(model["panels"])
        browser.until(lambda: self._drawn(browser, count), _LIMIT_S)
        resize(browser, _WIDTH, int(browser.run("return document.body.scrollHeight")))
        save(browser, name)

    def _drawn(self, browser: Browser, panels: int) -> bool:
        if failure := browser.run("return window.failure"):
            raise RuntimeError(failure)
        return browser.count(".panel") == panels


@contextlib.contextmanager
def grafana(directory: Path, prometheus: str) -> Iterator[Grafana]:
    """Build the panels below a directory, and serve them until the block ends."""
    out = _built(directory)
    handler = partial(_Silent, directory=str(out))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield Grafana(f"http://127.0.0.1:{server.server_port}", prometheus)
        finally:
            server.shutdown()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Write no line for each request."""


def _built(directory: Path) -> Path:
    """Install the libraries, without any script of theirs, and bundle; return where the page is."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing: install Node.js 20 or newer, with npm")
    shutil.copytree(_HERE, directory)
    install = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    subprocess.run([npm, *install], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([npm, "run", "--silent", "build"], cwd=directory, check=True)
    modules, out = directory / "node_modules", directory / "out"
    shutil.copy(directory / "index.html", out)
    icons = modules / "@grafana/ui/dist/public/img/icons"
    shutil.copytree(icons, out / "public/build/img/icons")
    fonts = out / "public/fonts/inter"
    fonts.mkdir(parents=True)
    for weight, name in _FONTS.items():
        font = modules / f"@fontsource/inter/files/inter-latin-{weight}-normal.woff2"
        shutil.copy(font, fonts / f"{name}.woff2")
    return out
