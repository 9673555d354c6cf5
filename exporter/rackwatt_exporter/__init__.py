"""The exporter: documents in, readings taken politely, a page for Prometheus out.

Data moves one way: documents, settings, sources, polling, store, page, HTTP (docs/architecture.md).
"""

from importlib.metadata import version

__version__ = version("rackwatt")
