"""Prepares one write of each kind."""

from collections.abc import Callable
from typing import Any

from adapters.contract import Adapter, CreateMessage, CreateTemplate, PreparedCall, UpdateMessage, UpdateTemplate
from tests.vendors.sage_intacct.answering import adapter_over, answering

Prepare = Callable[[Adapter], PreparedCall]


def create_template(adapter: Adapter, key: str | None = None, **members: Any) -> PreparedCall:
    assert adapter.write_templates is not None
    request = CreateTemplate(**{"customer_id": "21", "email_template_id": "4", **members})
    return adapter.write_templates.create(request, key)


def update_template(adapter: Adapter, key: str | None = None, **members: Any) -> PreparedCall:
    assert adapter.write_templates is not None
    return adapter.write_templates.update(UpdateTemplate(**{"native_id": "3", **members}), key)


def delete_template(adapter: Adapter, native_id: str = "3") -> PreparedCall:
    assert adapter.delete_template is not None
    return adapter.delete_template(native_id)


def create_message(adapter: Adapter, key: str | None = None, **members: Any) -> PreparedCall:
    assert adapter.write_messages is not None
    return adapter.write_messages.create(CreateMessage(**{"code": "New", "text": "Hello", **members}), key)


def update_message(adapter: Adapter, key: str | None = None, **members: Any) -> PreparedCall:
    assert adapter.write_messages is not None
    return adapter.write_messages.update(UpdateMessage(**{"native_id": "2", **members}), key)


OFFLINE = adapter_over(answering(b"", 500))
