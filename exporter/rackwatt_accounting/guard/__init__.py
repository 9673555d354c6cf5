"""The guard: users query Prometheus, and see series of their own units alone.

A query is parsed, a matcher is added to each of its selectors, and what is sent is printed from the
tree. What the guard does not understand is refused, never passed on.
"""
