"""Slurm's accounting: what slurmdbd keeps of jobs, by sacct or by its REST interface."""
