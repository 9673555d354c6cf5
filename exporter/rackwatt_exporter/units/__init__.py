"""Units of this machine: jobs, virtual machines and pods, read from their control groups."""
