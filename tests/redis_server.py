"""Throw-away Redis servers for tests, on a Unix socket, with nothing written to disk.

Whether a missing server skips a test or fails it is decided here: on a person's machine it skips, under CI it fails.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

_STARTING_SECONDS = 10.0


class RedisServer:
    """A server that can be stopped and started again, then empty."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.socket = str(folder / "redis.sock")

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = ["--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the program that was found
                [self._program, *options], cwd=self._folder, stdout=log, stderr=log
            )
        until = time.monotonic() + _STARTING_SECONDS
        while not self._answers():
            assert time.monotonic() < until, (self._folder / "log").read_text()
            time.sleep(0.01)

    def stop(self) -> None:
        """Ends it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with redis.Redis(unix_socket_path=self.socket) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


@pytest.fixture(scope="session")
def _started_redis() -> Iterator[RedisServer]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        reason = "no Redis server is installed: there is no redis-server"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI never skips the tests on Redis")
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="postroom-"))  # short: a socket's path has 107 characters at most
    server = RedisServer(program, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def redis_server(_started_redis: RedisServer) -> RedisServer:
    """The session's server, running and empty."""
    _started_redis.stop()
    _started_redis.start()
    return _started_redis
