"""``postroom keys``: a key is shown once, listed without its secret, and ended."""

import asyncio
import re
from pathlib import Path

import pytest

from gateway.__main__ import run
from gateway.auth.key_table import KeyTable
from gateway.auth.known_keys import KnownKeys
from gateway.connecting import utc_now
from gateway.dispatch.database import Database
from gateway.principals import Principal, Scope

README = Path(__file__).parents[2] / "README.md"
CONFIGURATION = """
[auth]
mode = "api_key"
[[backends]]
key = "uk-billing"
vendor = "smallinvoice"
[backends.credentials]
token = "t0psecret"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, in which commands are run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "postroom.toml").write_text(CONFIGURATION, encoding="utf-8")
    return tmp_path


def created(capture: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["keys", "create", *options]) == 0
    return capture.readouterr().out.removesuffix("\n")


def known_as(text: str) -> Principal:
    async def verified() -> Principal:
        database = Database("sqlite:///postroom-ledger.sqlite3", read_only=True)
        try:
            return await KnownKeys(KeyTable(database), utc_now).verify(text)
        finally:
            await database.close()

    return asyncio.run(verified())


def test_the_commands_of_the_readme_do_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"^\.venv/bin/postroom keys (.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    create, listing, revoke = (line.split() for line in lines)
    text = created(capsys, *create[1:])
    known = known_as(text)
    assert (known.id, known.backends, known.scopes) == (
        "key:reports",
        frozenset(("uk-billing",)),
        frozenset((Scope.READ,)),
    )
    assert run(["keys", *listing]) == 0
    listed = capsys.readouterr().out.split()
    assert (listed[0], listed[1:4]) == (known.credential, ["reports", "read", "uk-billing"])
    assert run(["keys", revoke[0], str(known.credential)]) == 0
    assert capsys.readouterr().out == f"{known.credential} of reports is revoked.\n"
    with pytest.raises(Exception, match="revoked"):
        known_as(text)


def test_a_secret_is_never_listed(capsys: pytest.CaptureFixture[str]) -> None:
    text = created(capsys, "ann", "--scope", "read", "--scope", "send", "--all-backends")
    run(["keys", "list"])
    listed = capsys.readouterr().out
    assert ("read,send  all" in listed, text[-43:] in listed) == (True, False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["ann", "--scope", "read"], "Say which backends it may use: --backend KEY for each, or --all-backends."),
        (
            ["ann", "--scope", "read", "--backend", "uk-billing", "--all-backends"],
            "Say which backends it may use: --backend KEY for each, or --all-backends.",
        ),
        (["ann", "--scope", "read", "--backend", "us"], "There is no backend 'us' in the configuration: uk-billing."),
        (
            ["a n", "--scope", "read", "--all-backends"],
            "'a n' is no name for a key: up to 64 letters, digits and . _ @ -",
        ),
        (
            ["ann", "--scope", "read", "--all-backends", "--days", "0"],
            "--days: must be a whole number from 1 to 36500.",
        ),
    ],
)
def test_a_mistake_makes_no_key_and_says_what_to_write(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert run(["keys", "create", *options]) == 2
    assert capsys.readouterr() == ("", f"postroom: {said}\n")
    assert not (folder / "postroom-ledger.sqlite3").exists()


def test_no_key_of_an_id_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "revoke", "0" * 12]) == 1
    assert "There is no key of this id" in capsys.readouterr().err


def test_a_database_that_is_away_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = '[ledger]\nurl = "postgresql://nobody@127.0.0.1:1/none"\n'
    (folder / "postroom.toml").write_text(away + CONFIGURATION, encoding="utf-8")
    assert run(["keys", "list"]) == 1
    assert "Check ledger.url, and that its database can be reached." in capsys.readouterr().err
