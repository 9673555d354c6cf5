"""HTCondor, through its own commands."""
