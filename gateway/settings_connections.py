"""How many connections a process takes, and how long each is waited for."""

from pydantic import Field

from gateway.settings_section import Section

__all__ = ["ConnectionSettings"]


class ConnectionSettings(Section):
    """Of one process. What is slower than this is told so where it can be, and cut off."""

    # Each is a file descriptor. A few hundred are what a proxy's or a team's clients keep; a thousand leave room below
    # the limit of 4,096 that many systems set, and hold an attacker's share of memory to some 100 MB.
    limit: int = Field(default=1000, ge=10, le=100_000, description="a whole number from 10 to 100000", examples=[1000])
    # The slowest of networks brings a head of some packets within this. A WebSocket's connection_init has it, too.
    head_seconds: float = Field(
        default=10.0, gt=0, le=600, description="a number of seconds above 0, at most 600", examples=[10]
    )
    # The largest body that is taken, 8 MiB, comes within this at 1.2 Mbit/s.
    body_seconds: float = Field(
        default=60.0, gt=0, le=3600, description="a number of seconds above 0, at most 3600", examples=[60]
    )
    # Longer than the minute for which balancers keep theirs: who closes first, while the other sends, makes an error.
    idle_seconds: int = Field(
        default=75, ge=1, le=3600, description="a whole number of seconds from 1 to 3600", examples=[75]
    )
    unread_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="a number of seconds above 0, at most 3600", examples=[30]
    )
    # Half of the connections, so that queries still get theirs.
    sockets: int = Field(default=500, ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[500])
    # A page has one. A credential may stand for a whole application's pages.
    sockets_per_caller: int = Field(
        default=100, ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[100]
    )
    # A page follows a handful of things; each operation has a task and what it loaded.
    operations_per_socket: int = Field(
        default=50, ge=1, le=10_000, description="a whole number from 1 to 10000", examples=[50]
    )
