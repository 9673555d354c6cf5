"""Grid Engine: SGE 6.2 and its successors, through qhost and qstat."""
