"""The documents users write: their models, host lists and durations, and how text becomes them.

The one source of truth for the exporter, the operator and the generated CRDs; it imports
nothing of ours.
"""
