"""Usage: what was used within a window, by whom; read of sums and of the units at its edges."""
