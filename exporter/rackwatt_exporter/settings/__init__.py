"""What the documents come to: each target with nothing left open, and the files of its secrets."""
