"""Generated certificates, and the authority that issues them.

A client verifies the simulated fleet as it verifies a real one. A certificate for thousands of
devices should have a name instead of their addresses, and clients `tls.serverName`: the list would
be sent at each handshake.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = timedelta(days=30)
CLOCK_SKEW = timedelta(hours=1)


class GeneratedCertificate(NamedTuple):
    """PEM: the authority, a certificate issued by it, and the private key of that."""

    authority: bytes
    certificate: bytes
    key: bytes


class Authority:
    """A generated authority; all certificates that it issues have one key."""

    def __init__(self) -> None:
        self._own_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Rackwatt simulator")

    @property
    def certificate(self) -> bytes:
        """PEM of the authority's own certificate."""
        built = _unsigned(self._name, self._name, self._own_key.public_key(), timedelta())
        limit = x509.BasicConstraints(ca=True, path_length=0)
        return self._signed(built.add_extension(limit, critical=True))

    @property
    def key(self) -> bytes:
        """PEM of the private key of issued certificates."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def issue(self, names: Sequence[str], ago: timedelta = timedelta()) -> bytes:
        """Issue a server certificate for these host names and addresses, some time ago."""
        built = (
            _unsigned(_named("Simulated BMC"), self._name, self._key.public_key(), ago)
            .add_extension(
                x509.SubjectAlternativeName([_general(n) for n in names]), critical=False
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return self._signed(built)

    def issue_untrusted(self, names: Sequence[str]) -> bytes:
        """Issue one with the same key by another authority."""
        other = Authority()
        other._key = self._key
        return other.issue(names)

    def _signed(self, built: x509.CertificateBuilder) -> bytes:
        return built.sign(self._own_key, hashes.SHA256()).public_bytes(Encoding.PEM)


def generate(names: Sequence[str]) -> GeneratedCertificate:
    """Generate an authority and a server certificate for host names and IP addresses."""
    authority = Authority()
    return GeneratedCertificate(authority.certificate, authority.issue(names), authority.key)


def write_files(directory: Path, names: Sequence[str]) -> tuple[tuple[Path, Path], bytes]:
    """Write a server's certificate and key, and those that a fault may use instead.

    Returns the two files, and the PEM of their authority. `expired.crt` is issued by the same
    authority, `stranger.crt` by another one.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = Authority()
    certificate, key = directory / "tls.crt", directory / "tls.key"
    certificate.write_bytes(authority.issue(names))
    (directory / "expired.crt").write_bytes(authority.issue(names, ago=2 * VALID_FOR))
    (directory / "stranger.crt").write_bytes(authority.issue_untrusted(names))
    key.touch(mode=0o600)
    key.write_bytes(authority.key)
    return (certificate, key), authority.certificate


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ago: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC) - ago
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
