"""Grid Engine's accounting: the file to which sge_qmaster adds a line for each run that ended."""
