"""One module for each parser or family of parsers; tests/fuzz/harness.py says what it must have."""
