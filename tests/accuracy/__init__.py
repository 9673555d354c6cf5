"""Accuracy of the division of a node's energy, on a machine whose true energies are known."""
