"""Recorded devices, replayed."""
