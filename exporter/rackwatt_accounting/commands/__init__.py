"""Commands of `rackwatt-accounting`, one in each module."""
