"""The exporter: documents in, readings taken politely, a page for Prometheus out.

Data moves one way: documents, settings, sources, polling, store, page, HTTP (docs/architecture.md).
"""

from rackwatt_crds import __version__ as __version__
