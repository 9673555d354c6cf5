"""Middleware of every request: authentication, request limit, write timeout."""
