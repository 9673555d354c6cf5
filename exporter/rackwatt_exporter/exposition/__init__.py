"""Responses to scrapes: the lines of the fleet, and families of the exporter itself."""
