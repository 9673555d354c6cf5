"""The operator: documents in a cluster become collectors, watched and scraped.

`manifests` builds what belongs to a document, without a cluster; everything else applies that, or
prints it (docs/architecture.md).
"""

from rackwatt_crds import __version__ as __version__
