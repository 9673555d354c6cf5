"""Who asks, and what they may see.

A caller's name comes from a signed token, a client certificate, or the header of a proxy that is
listed; what the name may see is decided again at each request.
"""
