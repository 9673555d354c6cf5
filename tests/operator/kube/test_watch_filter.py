"""Lines that the filter of a watch passes, however the network cuts the stream."""

import asyncio
import json
from collections.abc import Iterable
from itertools import pairwise

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.kube.watch_filter import IsNewer, WatchFilter

KNOWN = 100
"""The version that every object is known at."""

GONE = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},'
    b'"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}'
)
GARBAGE = (
    b"<html><body>502 Bad Gateway</body></html>",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b'{"type":"MODIFIED"}',
    b'{"type":"MODIFIED","object":{"kind":"ConfigMap","metadata":{"name":"a"}}}',
    b'{"type":"MODIFIED","object":{"kind":"ConfigMap","metadata":{"resourceVersion":7}}}',
    b'{"type":"MODIFIED","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"x"}}}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
)


def event(type_: str, version: int, text: str = "", name: str = "a") -> bytes:
    metadata = {"name": name, "namespace": "centre", "resourceVersion": str(version)}
    one = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"text": text}}
    return json.dumps({"type": type_, "object": one}, ensure_ascii=False).encode()


def newer(_: ObjectKey, version: int) -> bool:
    return version > KNOWN


def opened() -> aiohttp.StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    return aiohttp.StreamReader(protocol, 2**16, loop=loop)


async def feed(content: aiohttp.StreamReader, blocks: Iterable[bytes]) -> None:
    """Yield blocks one by one, with a turn of the event loop between two."""
    for block in blocks:
        content.feed_data(block)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    content.feed_eof()


async def filtered(blocks: Iterable[bytes], news: IsNewer = newer) -> list[bytes]:
    """Read a stream that comes in these blocks, by lines, as kopf does."""
    content = opened()
    feeding = asyncio.create_task(feed(content, blocks))
    text = b"".join([block async for block in WatchFilter(content, news).iter_chunked(2**20)])
    await feeding
    return [line for line in text.split(b"\n") if line]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
echoes = st.builds(event, st.sampled_from(["ADDED", "MODIFIED"]), st.integers(1, KNOWN), words)
news_lines = st.one_of(
    st.builds(event, st.sampled_from(["ADDED", "MODIFIED"]), st.integers(KNOWN + 1, 2**63), words),
    st.builds(event, st.sampled_from(["DELETED", "BOOKMARK"]), st.integers(1, 2**63), words),
    st.just(GONE),
    st.sampled_from(GARBAGE),
)
lines = st.lists(
    st.one_of(st.tuples(st.just(False), echoes), st.tuples(st.just(True), news_lines)), max_size=12
)


@given(lines, st.data())
def test_the_watch_filter_passes_news_unchanged_and_in_order_however_the_stream_is_cut(
    drawn: list[tuple[bool, bytes]], data: st.DataObject
) -> None:
    text = b"".join(line + b"\n" for _, line in drawn)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20).map(sorted))
    blocks = [text[begin:end] for begin, end in pairwise([0, *cuts, len(text)])]
    assert asyncio.run(filtered(blocks)) == [line for is_change, line in drawn if is_change]


async def test_the_watch_filter_joins_lines_that_arrive_byte_by_byte() -> None:
    events = [event("MODIFIED", 101, "Wärme ⚡"), event("MODIFIED", 99, "⚡"), GONE]
    text = b"".join(line + b"\n" for line in events)
    assert await filtered([text[at : at + 1] for at in range(len(text))]) == [events[0], GONE]


async def test_the_watch_filter_passes_a_line_as_soon_as_it_is_complete() -> None:
    line, content = event("ADDED", 101), opened()
    stream = WatchFilter(content, newer).iter_chunked(2**20)
    content.feed_data(line[:20])
    first = asyncio.ensure_future(anext(stream))
    content.feed_data(line[20:] + b"\n" + line[:20])
    assert await first == line + b"\n"


async def test_the_watch_filter_passes_complete_lines_before_the_error_of_a_broken_stream() -> None:
    line, content = event("ADDED", 101), opened()
    content.feed_data(line + b"\n" + line[:20])
    stream = WatchFilter(content, newer).iter_chunked(2**20)
    assert await anext(stream) == line + b"\n"
    content.set_exception(aiohttp.ClientPayloadError("cut off"))
    with pytest.raises(aiohttp.ClientPayloadError, match="cut off"):
        await anext(stream)


async def test_the_watch_filter_ends_when_its_response_is_closed() -> None:
    content = opened()
    stream = WatchFilter(content, newer)
    waiting = asyncio.ensure_future(anext(stream.iter_chunked(2**20)))
    await asyncio.sleep(0)
    assert stream.exception() is None  # as ClientResponse.close looks, and does
    stream.set_exception(aiohttp.ClientConnectionError("Connection closed"))
    with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
        await waiting


async def test_the_watch_filter_passes_a_line_of_megabytes_as_one() -> None:
    line = event("MODIFIED", 101, "x" * 3_000_000)
    text = line + b"\n"
    blocks = [text[at : at + 2**16] for at in range(0, len(text), 2**16)]
    assert await filtered(blocks) == [line]


async def test_the_watch_filter_passes_an_incomplete_last_line() -> None:
    assert await filtered([event("ADDED", 99)]) == [event("ADDED", 99)]
    assert await filtered([GONE[:30]]) == [GONE[:30]]
    assert await filtered([]) == []


async def test_the_watch_filter_checks_an_object_by_its_key_and_version() -> None:
    calls: list[tuple[ObjectKey, int]] = []

    def news(one: ObjectKey, version: int) -> bool:
        calls.append((one, version))
        return False

    await filtered([event("ADDED", 7, name="b") + b"\n"], news)
    assert calls == [(ObjectKey("ConfigMap", "centre", "b"), 7)]


async def test_the_watch_filter_passes_deletions_unchecked() -> None:
    assert await filtered([event("DELETED", 7) + b"\n"], lambda *_: False) == [event("DELETED", 7)]
