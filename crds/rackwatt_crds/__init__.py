"""The API: models of PowerTarget and SchedulerBinding, their parsing and their validation.

The exporter, the operator and the generated CRDs share these models. The package imports no other
package of Rackwatt.
"""

# pyproject.toml reads the version from here: importlib.metadata would cost half a megabyte in every
# process.
__version__ = "0.1.0"
