"""A Redis of our own for tests, on a Unix socket in a folder that is thrown away; started again, stopped and killed.

Whether a missing Redis skips a test or fails it is decided as for PostgreSQL: on a person's machine it skips, under CI
it fails.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.upstream import cache_redis, redis_client
from tests.faults.waiting import until
from tests.patience import PATIENCE

__all__ = ["RedisServer"]


class RedisServer:
    """A server that remembers nothing when it is started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._socket = folder / "redis.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For the settings."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Starts it, with nothing in it."""
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(  # noqa: S603 - the machine's own
            [self._program, *options], cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, "an answer of Redis")

    def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Stops it where it stands: its connections stay, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: Any) -> Any:
        """What it answers to a command."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return client.execute_command(*command)

    def keys(self) -> list[str]:
        """All keys that it knows."""
        return sorted(self.ask("KEYS", "*"))

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False


@pytest.fixture
def redis_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A running server of this very test's; it starts in some ten milliseconds.

    Whoever asks it in this process waits for its answer, so that a busy one does not take it for away.
    """
    monkeypatch.setattr(cache_redis, "PATIENCE", PATIENCE)
    monkeypatch.setattr(redis_client, "REDIS_SECONDS", PATIENCE)
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        reason = "no Redis server is installed: there is neither redis-server nor valkey-server"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI never skips the tests with Redis")
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="postroom-"))  # short: a socket's path has 107 characters at most
    server = RedisServer(program, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
