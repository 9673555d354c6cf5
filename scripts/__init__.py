"""What developers run: set-up, the demo, the generated pages."""
