"""What the bytes of an answer are taken for, and what they are not."""

import gc
import weakref

import pytest

from gateway.upstream.answers import Answer, NotHttpError

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
