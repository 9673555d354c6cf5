"""Modules that are executed when they are first used, not when they are first imported.

asyncio, the HTTP server and modules of ours import ssl, hashlib and hmac, which load OpenSSL. An
exporter that measures its node from inside, without TLS, uses none of them, and does without 5 MiB
(docs/decisions/0027-openssl-on-demand.md). The first use of such a module executes it, while other
threads wait, and then it is a module like any other.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

# asyncio asks each socket whether it is an SSLSocket. Its sslproto names errors of ssl at once.
_OPENSSL = {"ssl": ("SSLSocket",), "hashlib": (), "hmac": (), "asyncio.sslproto": ()}

_executing = threading.RLock()


class _NoObject:
    """Replaces classes of which there is no object yet."""


class LazyModule(ModuleType):
    """A module that has not been executed; the modules of a package are imported as usual."""

    _without_objects: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        """Execute the module, unless the name needs none of it."""
        if name in vars(self).get("_without_objects", ()):
            return _NoObject
        if "__path__" in vars(self) and (module := self._below(name)) is not None:
            return module
        with _executing:
            if isinstance(self, LazyModule) and "_is_executing" not in vars(self):
                self._execute()
            return ModuleType.__getattribute__(self, name)

    def _execute(self) -> None:
        self._is_executing = True
        spec = self.__spec__
        assert spec is not None  # noqa: S101 - module_from_spec sets both
        assert spec.loader is not None  # noqa: S101
        try:
            spec.loader.exec_module(self)
        finally:
            del self._is_executing
        self.__class__ = ModuleType  # type: ignore[assignment]

    def _below(self, name: str) -> ModuleType | None:
        try:
            return import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError:
            return None


def register(name: str, without_objects: tuple[str, ...] = ()) -> LazyModule | None:
    """Register a module, to be executed when it is used; None where it is already imported.

    Until it is executed there is no object of its classes, and isinstance() of those
    `without_objects` is answered without it.

    Raises:
        ModuleNotFoundError: there is none of this name.
    """
    if name in sys.modules:
        return None
    package, _, last = name.rpartition(".")
    # The path is looked up without find_spec, which would import the package.
    above = find_spec(package) if package else None
    spec = PathFinder.find_spec(name, above.submodule_search_locations if above else None)
    if spec is None:
        raise ModuleNotFoundError(f"there is no module {name}")
    module = module_from_spec(spec)
    module.__class__ = LazyModule
    assert isinstance(module, LazyModule)  # noqa: S101 - so it is from here on
    module._without_objects = without_objects
    sys.modules[name] = module
    if package:
        setattr(import_module(package), last, module)
    return module


def register_openssl() -> None:
    """Register what loads OpenSSL; to be called before anything imports asyncio."""
    if "asyncio" not in sys.modules:
        for name, without_objects in _OPENSSL.items():
            register(name, without_objects)


@contextmanager
def hidden(name: str) -> Iterator[None]:
    """Let imports do without a module that has not been executed."""
    module = sys.modules.get(name)
    if not isinstance(module, LazyModule):
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules[name] = module
