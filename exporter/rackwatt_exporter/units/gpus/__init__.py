"""Which unit holds which GPU: what it claims, which devices these are, and its share of each."""
