"""How many connections a process takes, and how long each is waited for."""

from typing import Annotated

from msgspec import Meta

from adapters.shapes import Shape

__all__ = ["ConnectionSettings"]


class ConnectionSettings(Shape, frozen=True, kw_only=True):
    """Of one process. What is slower than this is told so where it can be, and cut off."""

    # Each is a file descriptor. A few hundred are what a proxy's or a team's clients keep; a thousand leave room below
    # the limit of 4,096 that many systems set, and hold an attacker's share of memory to some 100 MB.
    limit: Annotated[int, Meta(ge=10, le=100_000, description="a whole number from 10 to 100000", examples=[1000])] = (
        1000
    )
    # The slowest of networks brings a head of some packets within this. A WebSocket's connection_init has it, too.
    head_seconds: Annotated[
        float, Meta(gt=0, le=600, description="a number of seconds above 0, at most 600", examples=[10])
    ] = 10.0
    # The largest body that is taken, 8 MiB, comes within this at 1.2 Mbit/s.
    body_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="a number of seconds above 0, at most 3600", examples=[60])
    ] = 60.0
    # Longer than the minute for which balancers keep theirs: who closes first, while the other sends, makes an error.
    idle_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="a whole number of seconds from 1 to 3600", examples=[75])
    ] = 75
    unread_seconds: Annotated[
        float, Meta(gt=0, le=3600, description="a number of seconds above 0, at most 3600", examples=[30])
    ] = 30.0
    # Half of the connections, so that queries still get theirs.
    sockets: Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[500])] = 500
    # A page has one. A credential may stand for a whole application's pages.
    sockets_per_caller: Annotated[
        int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000", examples=[100])
    ] = 100
    # A page follows a handful of things; each operation has a task and what it loaded.
    operations_per_socket: Annotated[
        int, Meta(ge=1, le=10_000, description="a whole number from 1 to 10000", examples=[50])
    ] = 50
