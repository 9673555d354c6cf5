"""The HTTP side: the page for Prometheus, the status, the fleet page for people.

aiohttp makes a TLS context for its client while it is imported, with every authority that the
system trusts: 2 MiB on each node. Only its server is used in here, so there are none in it.
"""

import os
from importlib import import_module

_AUTHORITIES = "SSL_CERT_FILE"  # where OpenSSL looks each time; openssl-env(7)


def _import_without_authorities(name: str) -> None:
    """Import a module that must not load the system's authorities; whoever comes after may."""
    held = os.environ.get(_AUTHORITIES)
    os.environ[_AUTHORITIES] = os.devnull
    try:
        import_module(name)
    finally:
        del os.environ[_AUTHORITIES]
        if held is not None:
            os.environ[_AUTHORITIES] = held


_import_without_authorities("aiohttp")
