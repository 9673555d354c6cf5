"""Recording of BMCs' responses, without anything that identifies their owner.

Each protocol's driver has a subclass here that records what it reads: the drivers of regular
readings contain no code for it.
"""
