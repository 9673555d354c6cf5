"""The HTTP side: the page for Prometheus, the status, the fleet page for people.

Of aiohttp only the server is used in here. Its client comes with `import aiohttp.web`, because the
package itself imports both: 4 MiB on each node, with a TLS context that trusts every authority of
the system. So the package is executed when something is first used that none of its modules is,
such as `aiohttp.ClientSession`; until then it is its modules alone.
"""

import re
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

_PACKAGE = "aiohttp"
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)  # its modules import that as well


class _LazyPackage(ModuleType):
    """A package that has not been executed; its modules are imported as usual."""

    def __getattr__(self, name: str) -> object:
        try:
            return import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            self.__class__ = ModuleType  # type: ignore[assignment]
            assert self.__spec__  # noqa: S101 - it was made from one
            assert self.__spec__.loader  # noqa: S101
            self.__spec__.loader.exec_module(self)
            return getattr(self, name)


def _import_lazily(name: str) -> None:
    """Put a package in its place without executing it, unless it was executed already."""
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
