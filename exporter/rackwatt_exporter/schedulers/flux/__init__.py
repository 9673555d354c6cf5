"""Flux, through its own commands."""
