"""The operator: documents in a cluster become collectors, watched and scraped.

`plan` says what belongs to a document and talks to nobody; everything else carries that out, or
prints it (docs/architecture.md).
"""

from rackwatt_crds import __version__ as __version__
