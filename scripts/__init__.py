"""Developer tools: set-up, the demo, the generated pages."""
