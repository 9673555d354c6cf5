"""Polling: when a source is read, how often, with what timeout, and what follows a failure."""
