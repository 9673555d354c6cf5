"""The commands, one module each: their flags, and what they print."""
