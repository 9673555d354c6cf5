"""Configuration: documents resolved, with every default set."""
