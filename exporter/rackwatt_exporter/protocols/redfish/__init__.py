"""Redfish over HTTP: sessions, and what its resources say of power."""
