"""A fleet made of software that answers as real BMCs do."""
