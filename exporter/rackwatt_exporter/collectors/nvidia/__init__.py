"""GPUs of NVIDIA: a child process that calls NVML, and the collector that reads from it."""
