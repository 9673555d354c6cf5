"""Current state: the last value of everything that is polled, and the joules."""
