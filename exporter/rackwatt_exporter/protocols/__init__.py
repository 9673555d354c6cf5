"""Bytes on the wire, one protocol a module: no settings, no polling, no readings."""
