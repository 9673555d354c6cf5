"""Measurements inside the machine: one module for each collector."""
