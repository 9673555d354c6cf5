"""Fuzzing: each parser of the product under arbitrary bytes, guided by what they reach in it.

`make fuzz` runs every harness for some seconds. Whatever is in `corpus/` is replayed by the ordinary
tests (test_corpus.py), without atheris.
"""
