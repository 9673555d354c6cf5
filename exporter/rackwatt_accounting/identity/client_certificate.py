"""The name in a client certificate that TLS has verified.

The web configuration says whose certificates are accepted. Python gives the subject only of a
certificate that was verified, so that one which was merely shown has no name. The common name
counts; without one, the alternative name, where there is exactly one: which of several would be the
user is a guess.
"""

from typing import Any

from aiohttp import web

from rackwatt_accounting.identity.problem import unauthenticated

_ALTERNATIVES = ("email", "DNS", "URI")


class CertificateOfClient:
    """Identification by client certificate."""

    method = "clientCertificate"

    async def name(self, request: web.Request) -> object:
        """Return the name in the certificate; None without one.

        Raises:
            RefusedError: the certificate has no name, or several.
        """
        certificate = request.get_extra_info("peercert")
        return name_in(certificate) if certificate else None


def name_in(certificate: dict[str, Any]) -> str:
    """Return the name in a certificate as ssl.SSLSocket.getpeercert gives it.

    Raises:
        RefusedError: it has none, or several.
    """
    subject = certificate.get("subject", ())
    common = [value for rdn in subject for key, value in rdn if key == "commonName"]
    found = common or [
        value for kind, value in certificate.get("subjectAltName", ()) if kind in _ALTERNATIVES
    ]
    if len(found) != 1:
        message = f"the client certificate has {len(found)} names: exactly one has to be there"
        raise unauthenticated("certificate_name", message)
    return str(found[0])
