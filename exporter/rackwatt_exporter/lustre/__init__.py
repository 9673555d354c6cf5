"""I/O of jobs and processes on Lustre: what a Prometheus has, joined with a scheduler's jobs."""
