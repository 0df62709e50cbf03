"""When two reads ask the same, so that one answer serves both."""

import functools
import hashlib

import httpx
import msgspec
from msgspec import Struct

from adapters.messages import Row, body_of, parts_of, rows_of
from adapters.wire import EXTENSION, CallInfo

__all__ = ["Question", "digest_of", "question_of"]

_NOT_ASKED = frozenset((b"traceparent", b"tracestate", b"cache-control", b"pragma"))
"""Headers that change no answer: whose trace a call belongs to, and how old an answer may be, which
`CallInfo.fresh` says."""


class Question(Struct, frozen=True, cache_hash=True):
    """All that an answer of one backend, with one credential, depends on; ``url`` in its parts (`parts_of`)."""

    info: CallInfo
    method: str
    url: tuple[str | int | None, ...]
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def question_of(request: httpx.Request) -> Question | None:
    """What a request asks; None where its answer is nobody else's: a write's, a stream's."""
    info: CallInfo | None = request.extensions.get(EXTENSION)
    if info is None or info.write or info.stream:
        return None
    return Question(
        info=info,
        method=request.method,
        url=parts_of(request.url),
        headers=_asked(tuple(rows_of(request.headers))),
        body=body_of(request),
    )


@functools.lru_cache(maxsize=256)  # most calls of a backend have the same
def _asked(rows: tuple[Row, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """The fields that an answer depends on."""
    return tuple([(name, value) for name, lowered, value in rows if lowered not in _NOT_ASKED])


def digest_of(question: Question, account: bytes) -> str:
    """A question's name at one account, which tells neither."""
    info = question.info
    told = msgspec.msgpack.encode(
        [info.operation, sorted(info.wanted), question.method, str(question.url), question.headers, question.body]
    )
    return hashlib.blake2b(told, key=account, digest_size=32).hexdigest()
