"""Bytes on the wire, one package for each protocol: no configuration, no polling."""
