"""GPUs of AMD, by the files of their driver or by amd-smi."""
