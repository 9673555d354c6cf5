"""Faults of simulated devices and of the network to them."""
