"""Accounting: who used what, in seconds, joules, grams and money, kept for years.

A program of its own beside the exporter: it has a database, asks schedulers for the jobs of the
past and Prometheus for the joules of their ledgers, and serves people. Data moves one way:
documents, sources, updates, storage, usage, API. The exporter imports none of it.
"""

from rackwatt_crds import __version__ as __version__
