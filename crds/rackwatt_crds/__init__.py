"""The documents users write: their models, host lists and durations, and how text becomes them.

The one source of truth for the exporter, the operator and the generated CRDs; it imports
nothing of ours.
"""

# Told here, and from here to pyproject.toml: to ask Python's metadata of packages costs half a
# megabyte in every process.
__version__ = "0.1.0"
