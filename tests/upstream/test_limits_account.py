"""The digest of a backend's account, and the name that it has in Redis."""

from typing import Any

import pytest

from adapters.shapes import SecretStr, Shape
from tests.upstream.accounts import Credentials, account, digest


class Entity(Shape, frozen=True, kw_only=True):
    entity: str


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


def test_a_name_begins_with_the_key_and_repeats_no_secret() -> None:
    assert account().startswith("uk:")
    assert "t0psecret" not in account()
