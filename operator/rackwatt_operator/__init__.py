"""The operator: documents in a cluster become collectors, watched and scraped.

`plan` says what belongs to a document and talks to nobody; everything else carries that out, or
prints it (docs/architecture.md).
"""

from importlib.metadata import version

__version__ = version("rackwatt")
