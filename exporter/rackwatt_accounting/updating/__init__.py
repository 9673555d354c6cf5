"""Updates: which window is read, when, and what becomes of the answer."""
