"""HTTP/1.1 and TLS over asyncio, bounded against whatever a BMC sends."""
