"""The commands of `rackwatt-exporter`."""


def main() -> int:
    """Run the command."""
    return 0
