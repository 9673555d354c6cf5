"""What is measured inside the machine: one module for each collector."""
