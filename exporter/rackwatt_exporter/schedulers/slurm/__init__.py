"""Slurm: node states by sinfo, here or over ssh, and by slurmrestd."""
