"""The electricity grid: its zones, and one module for each provider of carbon intensity."""
