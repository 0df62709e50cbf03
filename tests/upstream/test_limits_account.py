"""The name that a backend's account has in Redis."""

from typing import Any

import pytest

from tests.upstream.accounts import account


@pytest.mark.parametrize(
    "changed", [{"key": "us"}, {"base_url": "https://b.example.com"}, {"secrets": ("other",)}, {"pepper": b""}]
)
def test_another_account_has_another_name(changed: dict[str, Any]) -> None:
    assert account() == account()
    assert account(**changed) != account()
