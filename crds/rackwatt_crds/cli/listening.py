"""Listen address flag, as Prometheus' own programs have it."""

import argparse
import ipaddress


def add_listen_address(parser: argparse.ArgumentParser, port: int, help_text: str) -> None:
    """Add `--web.listen-address`, by default `port` of every address."""
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        metavar="HOST:PORT",
        type=listen_address,
        default=("", port),
        help=f"{help_text} (default: :{port})",
    )


def listen_address(text: str) -> tuple[str, int]:
    """Parse `HOST:PORT`, `:PORT` or `[IPV6]:PORT`.

    Raises:
        argparse.ArgumentTypeError: the text is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:9123")
    if host.startswith("[") and host.endswith("]"):
        try:
            host = str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
    return host, int(port)
