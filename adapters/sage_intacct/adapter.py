"""What an adapter of Sage Intacct consists of."""

from adapters.contract import Adapter, Connection
from adapters.sage_intacct.aggregates import Aggregation
from adapters.sage_intacct.client import Client
from adapters.sage_intacct.customers import CustomerReads
from adapters.sage_intacct.objects import MESSAGES, TEMPLATES
from adapters.sage_intacct.reading import Reader
from adapters.sage_intacct.templates import TemplateReads
from adapters.sage_intacct.writes import MessageWrites, Performer, TemplateWrites

__all__ = ["connect"]


def connect(connection: Connection) -> Adapter:
    """The adapter of one backend."""
    client = Client(connection)
    write_templates = TemplateWrites(client)

    async def check() -> tuple[str, ...]:
        return await _check(client)

    return Adapter(
        perform=Performer(client),
        check=check,
        customers=CustomerReads(client, connection.limits),
        templates=TemplateReads(client, connection.limits),
        messages=Reader(client, MESSAGES, connection.limits),
        aggregate=Aggregation(client, connection.limits),
        write_templates=write_templates,
        delete_template=write_templates.delete,
        write_messages=MessageWrites(client),
    )


async def _check(client: Client) -> tuple[str, ...]:
    """Reads both plain lists: they take no parameters, and show whether the user may see their objects."""
    found = []
    for object_, called in ((MESSAGES, "customer messages"), (TEMPLATES, "customers' e-mail templates")):
        answer = await client.references(object_)
        count = answer.meta.total if answer.meta.total is not None else f"at least {len(answer.result)}"
        found.append(f"{count} {called}.")
    return tuple(found)
