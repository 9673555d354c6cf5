"""The demo: `make demo`, or `python -m scripts.demo`."""
