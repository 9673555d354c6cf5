"""GPUs of units: what each claims, which devices these are, and its share of each."""
