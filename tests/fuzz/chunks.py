"""Bytes as a list of pieces: a length in one byte, and so many bytes."""


def split(data: bytes, most: int = 64) -> list[bytes]:
    """Cut pieces off the start; the last one may be short."""
    pieces: list[bytes] = []
    at = 0
    while at < len(data) and len(pieces) < most:
        end = at + 1 + data[at]
        pieces.append(data[at + 1 : end])
        at = end
    return pieces


def join(pieces: list[bytes]) -> bytes:
    """Put pieces of at most 255 bytes together again."""
    return b"".join(bytes((len(piece),)) + piece for piece in pieces)
