"""Probe of a peer by a TLS handshake with old versions and ciphers.

The error of a failed handshake can then say what the peer offers. Nothing is sent over it: no
request, no password. The certificate is not verified.
"""

import asyncio
import ssl
from typing import NamedTuple

from rackwatt_exporter.protocols.http.tls_errors import CONNECTION_CLOSED, Cause, tls_failed
from rackwatt_exporter.reading import ReadError

PROBE_TIMEOUT_S = 2.0
# "ALL" has RSA key exchange and CBC; level 0 allows SHA-1, short keys, TLS 1.0 and 1.1.
_OLD_CIPHERS = "ALL:!aNULL:!eNULL:@SECLEVEL=0"
_OP_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, from Python 3.12 on


class Offer(NamedTuple):
    """What a handshake agrees on."""

    version: str
    cipher: str


def allow_old(context: ssl.SSLContext) -> None:
    """Allow a context every version and cipher that OpenSSL still has, however weak."""
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(_OLD_CIPHERS)
    context.options |= _OP_LEGACY_SERVER_CONNECT


async def diagnose(
    cause: Cause, *, legacy: bool, host: str, port: int, server_name: str
) -> ReadError:
    """Return the error of a handshake that failed, and what old TLS would agree on.

    `legacy` says that old TLS was allowed already.
    """
    if not cause.old:
        return tls_failed(cause)
    if legacy:
        return tls_failed(cause, "")
    offer = await _offer(host, port, server_name)
    if (
        offer is None
        or offer.version == "TLSv1.3"
        or (cause is CONNECTION_CLOSED and _is_new(offer))
    ):
        return tls_failed(cause, "")
    return tls_failed(cause, f"{offer.version} with {offer.cipher}")


async def _offer(host: str, port: int, server_name: str) -> Offer | None:
    """Return what an old handshake agrees on; None where it fails too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    allow_old(context)
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(
                host, port, ssl=context, server_hostname=server_name
            )
    except (OSError, ValueError):  # TimeoutError and SSLError are of OSError
        return None
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    version, cipher = tls.version(), tls.cipher()
    writer.transport.abort()
    return Offer(version, cipher[0]) if version and cipher else None


def _is_new(offer: Offer) -> bool:
    """Return whether a handshake would have agreed on it without anything old."""
    names = {cipher["name"] for cipher in ssl.create_default_context().get_ciphers()}
    return offer.version == "TLSv1.2" and offer.cipher in names
