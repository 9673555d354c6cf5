"""Where a program listens, as Prometheus' own are told it."""

import argparse
import ipaddress


def add_listen_address(parser: argparse.ArgumentParser, port: int, told: str) -> None:
    """Add `--web.listen-address`, which is `port` of every address where it is not given."""
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        metavar="HOST:PORT",
        type=listen_address,
        default=("", port),
        help=f"{told} (default: :{port})",
    )


def listen_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`, `:PORT` or `[IPV6]:PORT`.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
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
