"""The wrapper inside a job: it reports what the processes of a command use to an exporter.

It starts once for each process of a job, on compute nodes that may have nothing but Python: it
imports the standard library alone, and of that little before the command runs.
"""

from rackwatt_crds import __version__ as __version__
