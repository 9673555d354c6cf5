"""HTTP server: metrics for Prometheus, the status, the fleet page for users.

Only the server of aiohttp is used here. Its client comes with `import aiohttp.web`, because the
package itself imports both: 4 MiB on each node, with a TLS context that trusts every authority of
the system. The package is therefore only executed at the first use of a name that is not a module,
such as `aiohttp.ClientSession`. Its server names ssl in annotations alone.
"""

import re
import urllib.request  # noqa: F401 - aiohttp imports it, and it must not miss ssl
from importlib import import_module
from pathlib import Path

from rackwatt_exporter.lazy_modules import hidden, register

_PACKAGE = "aiohttp"
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)  # its modules import the version


def _import_server() -> None:
    """Import the server of aiohttp, unless the whole of it is already imported."""
    package = register(_PACKAGE)
    if package is None or package.__file__ is None:
        return
    if version := _VERSION.search(Path(package.__file__).read_text()):
        vars(package)["__version__"] = version[1]
    with hidden("ssl"):
        import_module("aiohttp.web")


_import_server()
