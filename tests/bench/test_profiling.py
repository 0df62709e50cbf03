"""A profile puts each sample down to whose code was at work, and leaves out the loop's own."""

from collections import Counter

import pytest

from bench.profiling import Profile, profile_table, read_stacks

BEGIN = "main (gateway/__main__.py:67);Server.run (uvicorn/server.py:86);Runner.run (asyncio/runners.py:118)"


@pytest.mark.parametrize(
    ("frames", "area", "function"),
    [
        ("handle (gateway/upstream/deadline.py:9)", "gateway/upstream", "handle"),
        ("each (gateway/loaders.py:77)", "gateway/loaders.py", "each"),
        ("read (adapters/kashflow/client.py:4)", "adapters", "read"),
        ("run_asgi (uvicorn/protocols/http/httptools_impl.py:422)", "uvicorn", "run_asgi"),
        ("many_1 (<plan>:43)", "gateway/engine (compiled plans)", "many_1"),
    ],
)
def test_a_sample_is_put_down_to_the_folder_or_the_package_at_work(frames: str, area: str, function: str) -> None:
    assert read_stacks([f"{BEGIN};{frames} 3"]).areas == {area: Counter({function: 3})}


def test_what_the_standard_library_does_is_put_down_to_who_called_it() -> None:
    stack = f"{BEGIN};ask (adapters/wire.py:1);loads (json/__init__.py:9);<lambda> (<string>:1) 2"

    assert read_stacks([stack]).areas == {"adapters": Counter({"ask": 2})}


def test_the_loop_itself_is_counted_apart() -> None:
    assert read_stacks([f"{BEGIN} 4", f"{BEGIN};_run (asyncio/events.py:80) 1"]) == Profile({}, 5)


def test_other_threads_do_not_count() -> None:
    assert read_stacks(["_bootstrap (threading.py:1);write (gateway/dispatch/database.py:9) 7"]) == Profile({}, 0)


def test_the_table_begins_with_what_takes_most() -> None:
    profile = Profile({"starlette": Counter({"a": 1}), "adapters": Counter({"b": 1, "c": 2})}, loop=9)

    assert profile_table(profile).splitlines()[2:] == [
        "| `adapters` | 75% | `c`, `b` |",
        "| `starlette` | 25% | `a` |",
    ]
