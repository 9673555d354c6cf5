"""The exporter: polls the power of the configured fleet and exposes it to Prometheus.

Data moves one way: documents, configuration, sources, polling, store, exposition, HTTP
(docs/architecture.md).
"""

from rackwatt_crds import __version__ as __version__
