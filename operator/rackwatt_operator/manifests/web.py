"""Scheme, server name and Secrets of the collectors' pages, from `spec.web`."""

from rackwatt_crds.web import Web, WebTls


def scheme(web: Web | None) -> str:
    """Name the scheme of the pages; the port of Service and pod has the same name."""
    return "https" if web is not None and web.tls is not None else "http"


def served_from(web: Web | None) -> list[str]:
    """List the Secrets that a collector needs before it can serve at all."""
    if web is None:
        return []
    more = web.certificate_secret_ref
    return [web.config_secret_ref.name, *([more.name] if more else [])]


def read_with(web: Web | None) -> list[str]:
    """List the Secrets that a client of the pages needs."""
    if web is None:
        return []
    tls = web.tls or WebTls()
    login = web.credentials.secret_ref if web.credentials else None
    named = (tls.ca_secret_ref, tls.client_secret_ref, login)
    return [ref.name for ref in named if ref is not None]


def server_name(web: Web, base: str, namespace: str) -> str:
    """Name what the certificate must have: pods are reached by addresses that change."""
    return (web.tls.server_name if web.tls else None) or f"{base}.{namespace}.svc"
