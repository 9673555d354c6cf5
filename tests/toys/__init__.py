"""A toy of each kind, written as CONTRIBUTING.md says, over a copy of the source."""
