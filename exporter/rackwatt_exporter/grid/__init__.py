"""The carbon intensity of the grid: one module for each provider."""
