"""Reading BMCs and keeping what they answer, without whatever tells whose they are.

Each protocol's driver has a twin here that does the same and notes it down: the way that readings
take every day knows nothing of this.
"""
