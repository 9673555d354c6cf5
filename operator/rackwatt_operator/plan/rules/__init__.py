"""Alerts and recorded series, one module for each thing they watch over."""
