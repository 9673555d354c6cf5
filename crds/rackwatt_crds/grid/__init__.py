"""The grid that feeds the machines: its zones, and one module for each provider of a figure."""
