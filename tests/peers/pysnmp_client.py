"""pysnmp as an oracle: an independent implementation in a process of its own.

Of its own, because pysnmp warns about its own dependencies as it is imported, and tests take
warnings for errors.
"""

import asyncio
import json
import sys
from typing import Any

LEVELS = ("noAuthNoPriv", "authNoPriv", "authPriv")


async def pysnmp_get(request: dict[str, Any]) -> dict[str, str]:
    """Read objects by pysnmp: host, port, version, oids, and what the version needs to log in.

    Raises:
        RuntimeError: with what pysnmp said instead.
    """
    command = (sys.executable, "-W", "ignore", "-m", "tests.peers.pysnmp_client")
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate(json.dumps(request).encode())
    answer = json.loads(output)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    found: dict[str, str] = answer["values"]
    return found


def login(request: dict[str, Any]) -> Any:
    """Make pysnmp's credentials, version 3 by SHA-256 and AES where nothing else is said."""
    from pysnmp.hlapi.v3arch import asyncio as api

    if request["version"] != "3":
        return api.CommunityData(request["community"], mpModel=int(request["version"] == "2c"))
    depth = LEVELS.index(request.get("level", "authPriv"))
    keys = [request.get("auth_password"), request.get("priv_password")][:depth]
    auth = {
        "MD5": api.USM_AUTH_HMAC96_MD5,
        "SHA": api.USM_AUTH_HMAC96_SHA,
        "SHA-224": api.USM_AUTH_HMAC128_SHA224,
        "SHA-256": api.USM_AUTH_HMAC192_SHA256,
        "SHA-384": api.USM_AUTH_HMAC256_SHA384,
        "SHA-512": api.USM_AUTH_HMAC384_SHA512,
    }
    privacy = {
        "DES": api.USM_PRIV_CBC56_DES,
        "AES": api.USM_PRIV_CFB128_AES,
        "AES-192": api.USM_PRIV_CFB192_AES_BLUMENTHAL,
        "AES-256": api.USM_PRIV_CFB256_AES_BLUMENTHAL,
        "AES-192-C": api.USM_PRIV_CFB192_AES,
        "AES-256-C": api.USM_PRIV_CFB256_AES,
    }
    said: dict[str, Any] = {}
    if depth >= 1:
        said["authProtocol"] = auth[request.get("auth", "SHA-256")]
    if depth == 2:
        said["privProtocol"] = privacy[request.get("privacy", "AES")]
    return api.UsmUserData(request["user"], *keys, **said)


async def _get(request: dict[str, Any]) -> dict[str, Any]:
    from pysnmp.hlapi.v3arch import asyncio as api

    engine = api.SnmpEngine()
    target = await api.UdpTransportTarget.create((request["host"], request["port"]), timeout=20)
    objects = [api.ObjectType(api.ObjectIdentity(oid)) for oid in request["oids"]]
    error, status, _, found = await api.get_cmd(
        engine, login(request), target, api.ContextData(), *objects, lookupMib=False
    )
    engine.close_dispatcher()
    if error or status:
        return {"error": str(error or status)}
    return {"values": {str(name): str(value) for name, value in found}}


if __name__ == "__main__":
    json.dump(asyncio.run(_get(json.load(sys.stdin))), sys.stdout)
