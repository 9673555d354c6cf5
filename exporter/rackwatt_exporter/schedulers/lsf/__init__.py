"""IBM Spectrum LSF, through its own commands."""
