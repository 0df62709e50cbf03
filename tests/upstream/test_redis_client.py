"""A client of Redis is let go without a word, however busy its process is then."""

from gateway.upstream.redis_client import let_go, redis_client
from tests.redis_server import RedisServer


async def test_a_connection_that_takes_too_long_to_close_is_no_failure(redis_server: RedisServer) -> None:
    async with let_go(redis_client(redis_server.url)) as client:
        assert await client.ping()
        (connection,) = client.connection_pool._available_connections
        connection.socket_connect_timeout = 0
    assert not connection.is_connected
