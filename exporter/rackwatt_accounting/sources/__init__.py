"""Sources of accounting: what a scheduler keeps of the jobs of the past, read in bounded pieces."""
