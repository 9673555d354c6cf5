"""HTTP server: metrics for Prometheus, the status, the fleet page for users.

Only the server of aiohttp is used here. Its client comes with `import aiohttp.web`, because the
package itself imports both: 4 MiB on each node, with a TLS context that trusts every authority of
the system. The package is therefore only executed at the first use of a name that is not a module,
such as `aiohttp.ClientSession`.
"""

import re
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

_PACKAGE = "aiohttp"
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)  # its modules import the version


class _LazyPackage(ModuleType):
    """A package that has not been executed; its modules are imported as usual."""

    def __getattr__(self, name: str) -> object:
        try:
            return import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            self.__class__ = ModuleType  # type: ignore[assignment]
            assert self.__spec__  # noqa: S101 - module_from_spec sets it
            assert self.__spec__.loader  # noqa: S101
            self.__spec__.loader.exec_module(self)
            return getattr(self, name)


def _import_lazily(name: str) -> None:
    """Register a package without executing it, unless it is already imported."""
    spec = find_spec(name)
    if name in sys.modules or spec is None or spec.origin is None:
        return
    version = _VERSION.search(Path(spec.origin).read_text())
    if version is not None:
        package = module_from_spec(spec)
        package.__version__ = version[1]  # type: ignore[attr-defined]
        package.__class__ = _LazyPackage
        sys.modules[name] = package


_import_lazily(_PACKAGE)
