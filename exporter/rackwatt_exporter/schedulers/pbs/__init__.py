"""PBS: OpenPBS, PBS Professional and Torque, through pbsnodes and qstat."""
