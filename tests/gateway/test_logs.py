"""Log lines: where they go, and that no secret is in any."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.logs import configure_logs, secrets_of
from gateway.settings import load_settings
from tests.gateway.fake_vendors import VENDORS
from tests.gateway.postroom import logs_restored

SECRET = 't0p/se"cret'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logs_restored():
        configure_logs([SECRET, "abc"], stream=stream)
        yield stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_event_level_logger_and_time(stream: io.StringIO) -> None:
    structlog.get_logger("postroom.test").info("it happened", backend="uk")
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "it happened", "level": "info", "logger": "postroom.test", "backend": "uk"}


def test_loggers_of_the_standard_library_go_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("elsewhere").warning("%s of %s", 1, 2)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("1 of 2", "warning", "elsewhere")


@pytest.mark.parametrize("name", ["httpx", "httpcore", "httpcore.http11", "uvicorn.error"])
def test_who_writes_urls_or_says_the_obvious_is_heard_from_warnings_up(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("HTTP Request: GET https://vendor.example.com/token/x")
    logging.getLogger(name).warning("something")
    assert [line["event"] for line in lines(stream)] == ["something"]


@pytest.mark.parametrize(
    "key",
    ["token", "access_token", "Authorization", "password", "passwd", "client_secret", "memorable_word", "credentials",
     "Set-Cookie", "X-Api-Key", "session_id"],
)  # fmt: skip
def test_what_is_named_like_a_secret_is_not_shown_at_any_depth(stream: io.StringIO, key: str) -> None:
    structlog.get_logger().info("asked", headers=[{key: "unknown", "accept": "*/*"}], **{key: {"a": "unknown"}})
    (line,) = lines(stream)
    assert (line["headers"], line[key]) == ([{key: "***", "accept": "*/*"}], "***")


@pytest.mark.parametrize("form", ['t0p/se"cret', "t0p%2Fse%22cret", "t0p/se%22cret"])
def test_a_known_secret_is_not_shown_wherever_it_stands(stream: io.StringIO, form: str) -> None:
    structlog.get_logger().info(f"GET /{form}/list", nested=[{"url": f"x{form}y"}], other={form: 1})
    logging.getLogger("elsewhere").warning("GET %s", form)
    assert "t0p" not in stream.getvalue()
    assert lines(stream)[0]["nested"] == [{"url": "x***y"}]


def test_a_known_secret_is_not_shown_in_a_traceback_or_a_repr(stream: io.StringIO) -> None:
    class Thing:
        def __repr__(self) -> str:
            return f"<Thing {SECRET}>"

    try:
        int(f"bad {SECRET}")
    except ValueError:
        structlog.get_logger().exception("failed", thing=Thing())
    (line,) = lines(stream)
    assert "literal for int() with base 10: 'bad ***'" in line["exception"]
    assert line["thing"] == "<Thing ***>"


def test_a_value_too_short_to_be_a_secret_leaves_lines_readable(stream: io.StringIO) -> None:
    structlog.get_logger().info("abcde")
    assert lines(stream)[0]["event"] == "abcde"


def test_the_secrets_of_settings_are_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "postroom.toml"
    key = "k" * 32
    path.write_text(
        f'[files]\nkey = "{key}"\n'
        '[redis]\nurl = "redis://:f%2Fur@127.0.0.1"\n'
        '[[backends]]\nkey = "a"\nvendor = "acme"\ncredentials = { token = "one" }\n'
        '[[backends]]\nkey = "b"\nvendor = "globex"\nbase_url = "https://globex.example.com"\n'
        'credentials = { username = "two", password = "three" }\n'
    )
    settings = load_settings(path, environ={}, vendors=VENDORS)
    assert secrets_of(settings) == {key, "one", "two", "three", "f/ur", "f%2Fur"}


def test_a_terminal_gets_lines_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    with logs_restored():
        configure_logs([SECRET], stream=terminal)
        structlog.get_logger("postroom").warning("it happened", token="x", url=f"/{SECRET}/")
    assert "it happened" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert "t0p" not in terminal.getvalue()
