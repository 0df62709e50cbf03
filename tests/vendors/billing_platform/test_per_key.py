"""Several keys, each with calls of its own: who waits for whom, and what one does to the others."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.asked import Asked, asked_last, asking
from adapters.billing_platform.per_key import ask_per_key
from adapters.errors import InvalidInput, NotFound
from adapters.wire import Answer, WireRequest
from tests.patience import PATIENCE

KEYS = ("a", "b", "c")


class Sent:
    """A call whose answer is there a moment later."""

    def __init__(self, request: WireRequest) -> None:
        self.request = request
        self.is_there = False
        self.left = False

    def tell(self, there: Callable[[], None]) -> None:
        def come() -> None:
            self.is_there = True
            there()

        asyncio.get_running_loop().call_soon(come)

    def take(self) -> Answer:
        assert self.is_there
        return Answer(status=200, headers=httpx.Headers(), body=b"", request=self.request)

    def leave(self) -> None:
        self.left = True


class Never(Sent):
    """One whose answer does not come by itself."""

    def tell(self, there: Callable[[], None]) -> None:
        self.come = there


class Client:
    """Sends what it is given, but for a key that cannot be one."""

    def __init__(self) -> None:
        self.sent: dict[str, Sent] = {}

    def begin(self, request: WireRequest) -> Sent:
        key = request.path[0]
        if key == "impossible":
            raise InvalidInput("This identifier cannot exist at the vendor.")
        self.sent[key] = Sent(request)
        return self.sent[key]


def asked(key: str) -> WireRequest:
    if key == "unknown":
        raise NotFound("There is none.")
    return WireRequest(operation="x", method="GET", path=(key,))


async def results(client: Any, keys: tuple[str, ...], found: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        return await ask_per_key(client, keys, asked, found)


async def test_each_key_has_its_own_result_in_the_order_of_the_keys() -> None:
    async def later(key: str) -> str:
        return f"{key} later"

    def found(key: str, _: Answer) -> Any:
        if key == "c":
            raise NotFound("It is not there.")
        return later(key) if key == "a" else key

    came = await results(Client(), ("unknown", "a", "impossible", "b", "c", "a"), found)
    told = {key: type(value) if isinstance(value, Exception) else value for key, value in came.items()}
    assert list(told.items()) == [
        ("unknown", NotFound),
        ("a", "a later"),
        ("impossible", InvalidInput),
        ("b", "b"),
        ("c", NotFound),
    ]


async def test_all_are_begun_before_the_first_is_read() -> None:
    client = Client()
    begun: list[tuple[str, ...]] = []
    await results(client, KEYS, lambda _, __: begun.append(tuple(client.sent)))
    assert begun == [KEYS] * 3


async def test_those_that_take_more_calls_go_on_side_by_side() -> None:
    waiting: set[str] = set()
    all_there = asyncio.Event()

    async def more(key: str) -> str:
        waiting.add(key)
        if len(waiting) == len(KEYS):
            all_there.set()
        await all_there.wait()
        return key

    came = await results(Client(), KEYS, lambda key, _: more(key))
    assert came == {key: key for key in KEYS}


async def test_one_that_takes_more_calls_and_fails_spoils_no_other() -> None:
    async def more(key: str) -> str:
        if key == "b":
            raise NotFound("It is gone.")
        return key

    came = await results(Client(), KEYS, lambda key, _: more(key))
    assert (came["a"], type(came["b"]), came["c"]) == ("a", NotFound, "c")


async def test_who_is_cancelled_leaves_all() -> None:
    client, begun, ended = Client(), asyncio.Event(), asyncio.Event()

    async def more(_: str) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _turn in range(5):
                await asyncio.sleep(0)
            ended.set()

    client.begin = lambda request: client.sent.setdefault(  # type: ignore[method-assign]
        request.path[0], (Sent if request.path[0] == "a" else Never)(request)
    )
    reading = asyncio.create_task(results(client, KEYS, lambda key, _: more(key)))
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert ended.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [one.left for one in client.sent.values()] == [False, True, True]


async def test_one_whose_answer_is_late_holds_up_no_other() -> None:
    client = Client()
    late = Never(asked("a"))
    client.begin = lambda request: late if request.path[0] == "a" else Sent(request)  # type: ignore[method-assign]
    order: list[str] = []

    async def more(key: str) -> str:
        order.append(f"{key} goes on")
        if key == "c":
            late.is_there = True
            late.come()
        return key

    def found(key: str, _: Answer) -> Any:
        order.append(key)
        return key if key == "a" else more(key)

    assert await results(client, KEYS, found) == {"a": "a", "b": "b", "c": "c"}
    assert order == ["b", "c", "b goes on", "c goes on", "a"]


async def test_what_is_refused_before_it_is_sent_fails_by_no_others_call() -> None:
    before = Asked()
    asking(before)
    seen: list[Asked | None] = [before]

    def refused(key: str) -> WireRequest:
        seen.append(asked_last())
        raise NotFound(f"There is no {key}.")

    await ask_per_key(Client(), ("a", "b"), refused, lambda key, _: key)  # type: ignore[arg-type]
    seen.append(asked_last())
    assert len(set(map(id, seen))) == 4
