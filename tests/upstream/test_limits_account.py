"""The digest of a backend's account, and the name that it has in Redis."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.shapes import SecretStr, Shape
from tests.upstream.accounts import Credentials, account, digest


class Entity(Shape, frozen=True, kw_only=True):
    entity: str


class Signing(Shape, frozen=True, kw_only=True):
    certificate: Path
    phrase: SecretStr


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "answers"},
        {"backend": "us"},
        {"base_url": "https://b.example.com"},
        {"credentials": Credentials(password=SecretStr("other"))},
        {"credentials": Credentials(user="you")},
        {"settings": Entity(entity="100")},
        {"pepper": b""},
    ],
)
def test_another_account_has_another_digest(changed: dict[str, Any]) -> None:
    assert digest() == digest()
    assert digest(**changed) != digest()
    assert account(**changed) != account()


def test_what_the_settings_choose_is_another_account() -> None:
    assert digest(settings=Entity(entity="100")) != digest(settings=Entity(entity="200"))


def test_settings_may_hold_whatever_a_shape_can() -> None:
    ours = Signing(certificate=Path("ours.pem"), phrase=SecretStr("t0psecret"))
    assert digest(settings=ours) == digest(settings=replace(ours))
    assert digest(settings=ours) != digest(settings=replace(ours, certificate=Path("theirs.pem")))
    assert digest(settings=ours) != digest(settings=replace(ours, phrase=SecretStr("another")))


def test_a_name_begins_with_the_key_and_repeats_no_secret() -> None:
    assert account().startswith("uk:")
    assert "t0psecret" not in account()
