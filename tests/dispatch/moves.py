"""Every change of an item's row, as the database itself saw it: also those that one transaction makes in two steps."""

from collections.abc import Sequence

from sqlalchemy import text

from gateway.dispatch.database import Database
from gateway.dispatch.records import ItemState

Move = tuple[int, ItemState, ItemState]

_TABLE = "CREATE TABLE moves (step INTEGER PRIMARY KEY, item INTEGER, was TEXT, came TEXT)"
_INSERT = "INSERT INTO moves (item, was, came) VALUES (old.number, old.state, new.state);"
_SQLITE = (_TABLE, f"CREATE TRIGGER watch AFTER UPDATE ON items BEGIN {_INSERT} END")
_POSTGRESQL = (
    _TABLE.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY"),
    f"CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_INSERT} RETURN NULL; END $$",
    "CREATE TRIGGER watch AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION noted()",
)


async def watch(database: Database) -> None:
    """From now on, notes every update of an item."""
    with database.transaction(writing=True) as connection:
        for statement in _SQLITE if database.is_sqlite else _POSTGRESQL:
            connection.execute(text(statement))


async def moves(database: Database) -> Sequence[Move]:
    """The updates so far, each told once: an item's number, the state it was in, the state it came to."""
    with database.transaction(writing=True) as connection:
        rows = (connection.execute(text("SELECT item, was, came FROM moves ORDER BY step"))).all()
        connection.execute(text("DELETE FROM moves"))
    return [(number, ItemState(was), ItemState(came)) for number, was, came in rows]
