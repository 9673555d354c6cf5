"""Resolution of host names to socket addresses."""

import asyncio
import socket
from typing import Any

from rackwatt_exporter.reading import ReadError, Reason

Address = tuple[Any, ...]  # as the socket module has it: two items for IPv4, four for IPv6


async def resolve(host: str, port: int) -> tuple[socket.AddressFamily, Address]:
    """Resolve a host name or an address to a family and a socket address.

    Raises:
        ReadError: name_unresolved, with the resolver's message.
    """
    kind, numeric = socket.SOCK_DGRAM, socket.AI_NUMERICHOST
    try:
        try:  # an address needs no thread and no resolver
            infos = socket.getaddrinfo(host, port, type=kind, flags=numeric)
        except socket.gaierror:
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise ReadError(Reason.NAME_UNRESOLVED, f"{host}: {error}") from None
    family, _, _, _, address = infos[0]
    return socket.AddressFamily(family), address
