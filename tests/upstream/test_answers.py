"""What the bytes of an answer are taken for, and what they are not."""

import gc
import itertools
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.upstream.answers import KNOWN_HEAD_BYTES, KNOWN_HEADS, Answer, Heads, NotHttpError

CHUNKS = b"2\r\nhi\r\n0\r\n\r\n"
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
]


@pytest.mark.parametrize(
    "fields",
    [
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
    ],
)
def test_another_coding_beside_chunks_is_refused_however_it_is_told(fields: bytes) -> None:
    with pytest.raises(NotHttpError):
        Answer().feed(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + CHUNKS)


@pytest.mark.parametrize("protocol", [b"RTSP/1.0", b"ICE/1.0"])
def test_an_answer_in_another_protocol_is_none(protocol: bytes) -> None:
    read = Answer()
    read.feed(protocol[:2])
    with pytest.raises(NotHttpError):
        read.feed(protocol[2:] + b" 200 OK\r\nContent-Length: 2\r\n\r\nhi")


@pytest.mark.parametrize("after", [b"x", b"\r\n", b"XX\r\n\r\n", ANSWERS[0]])
@pytest.mark.parametrize("answer", ANSWERS)
def test_bytes_after_an_answer_are_no_part_of_it_and_end_its_connection(answer: bytes, after: bytes) -> None:
    read = Answer()
    read.feed(answer + after)
    assert (b"".join(read.pieces), read.whole, read.keeps) == (b"hi", True, False)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_whole_answer_needs_no_garbage_collector(answer: bytes) -> None:
    gc.disable()
    try:
        read = Answer()
        read.feed(answer)
        left = weakref.ref(read)
        del read
        assert left() is None
    finally:
        gc.enable()


# ── Heads that are known ─────────────────────────────────────────────────────────────────────────────────────────────


def made_of(pieces: Sequence[bytes], heads: Heads | None) -> Any:
    """All that an answer is, whose bytes come in these pieces."""
    read = Answer(heads=heads)
    try:
        for piece in pieces:
            if not read.whole:
                read.feed(piece)
    except NotHttpError:
        return "no HTTP", read.head
    told = (read.status, read.version, read.reason, read.headers, read.is_coded)
    return told, read.head, read.whole, read.keeps, read.size, b"".join(read.pieces)


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [piece for begin, end in itertools.pairwise(ends) if (piece := data[begin:end])]


STATUS_LINES = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"HTTP/1.1 100 Continue\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 503 \r\n",
    b"HTTP/2.0 200 OK\r\n",
    b"RTSP/1.0 200 OK\r\n",
    b"\r\n\r\nHTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\n",
]
FIELDS = [
    b"Content-Length: 0\r\n",
    b"Content-Length: 2\r\n",
    b"content-length:  4 \r\n",
    b"Content-Length: 2, 2\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"Upgrade: h2c\r\n",
    b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
    b"X-Folded: a\r\n b\r\n",
    b"X-Odd: \xff\r\n",
    b"no field\r\n",
    b"\n",
]
BODIES = [b"", b"hi", b"hiho", b"\r\n\r\n", b"hi\r\n\r\n", CHUNKS, ANSWERS[0], b"hi" + ANSWERS[0], b"HTTP/1.1 "]
heads_of = st.tuples(st.sampled_from(STATUS_LINES), st.lists(st.sampled_from(FIELDS), max_size=3)).map(
    lambda parts: parts[0] + b"".join(parts[1]) + b"\r\n"
)
answers_of = st.lists(heads_of, min_size=1, max_size=2).flatmap(
    lambda heads: st.sampled_from(BODIES).map(lambda body: b"".join(heads) + body)
)


@given(st.lists(st.tuples(answers_of, st.lists(st.integers(0, 400), max_size=3)), min_size=1, max_size=6))
@example([(ANSWERS[0], []), (ANSWERS[0], []), (ANSWERS[0] + b"x", []), (ANSWERS[0], [40]), (ANSWERS[0][:-1], [])])
@example([(ANSWERS[1], [])] * 2)
def test_an_answer_is_the_same_whatever_heads_are_known(answers: list[tuple[bytes, list[int]]]) -> None:
    heads = Heads()
    for _ in range(2):
        for data, cuts in answers:
            pieces = pieces_of(data, cuts)
            assert made_of(pieces, heads) == made_of(pieces, None)


def test_what_is_done_to_the_fields_of_one_answer_is_not_done_to_the_next() -> None:
    heads = Heads()
    for _ in range(3):
        read = Answer(heads=heads)
        read.feed(ANSWERS[0])
        assert read.headers == [(b"Content-Length", b"content-length", b"2")]
        read.headers.clear()


def test_a_head_that_is_known_needs_no_parser() -> None:
    heads = Heads()
    Answer(heads=heads).feed(ANSWERS[0])
    read = Answer(heads=heads)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr("gateway.upstream.answers.httptools")
        read.feed(ANSWERS[0][:-2] + b"ho")
    assert (read.status, b"".join(read.pieces), read.whole, read.keeps) == (200, b"ho", True, True)


def test_the_heads_that_are_known_are_few_and_short() -> None:
    heads = Heads()
    for number in range(2 * KNOWN_HEADS):
        Answer(heads=heads).feed(b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 2\r\n\r\nhi" % number)
    Answer(heads=heads).feed(
        b"HTTP/1.1 200 OK\r\nX: %b\r\nContent-Length: 2\r\n\r\nhi" % bytes([97] * KNOWN_HEAD_BYTES)
    )
    numbers = [row[2] for head in heads._known.values() for row in head.headers if row[0] == b"X-Number"]
    assert numbers == [b"%d" % number for number in range(KNOWN_HEADS, 2 * KNOWN_HEADS)]
