"""Sends through the schema, over backends that can send."""

from typing import Any

from gateway.app import Gateway
from tests.gateway.asking import data, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer, letter

DISPATCH = """
dispatch {
  id action state requestedBy requestedAt finishedAt idempotencyKey
  counts { total queued sending accepted failed unknown skipped cancelled }
  items {
    nodes {
      state attempt vendorMessage recipients evidence problem { code message retryable backend } target { id } settledAt
    }
  }
}
replayed plan { callCount } problems { code path message backend }
"""
EMAIL = f"mutation($input: EmailDocumentInput!) {{ sent: emailDocument(input: $input) {{ {DISPATCH} }} }}"
DELIVER = f"mutation($input: DeliverDocumentInput!) {{ sent: deliverDocument(input: $input) {{ {DISPATCH} }} }}"
POST = f"mutation($input: PostDocumentInput!) {{ sent: postDocument(input: $input) {{ {DISPATCH} }} }}"
STATEMENTS = f"mutation($input: EmailStatementsInput!) {{ sent: emailStatements(input: $input) {{ {DISPATCH} }} }}"
RECONCILE = f"mutation($id: ID!) {{ sent: reconcileDispatch(id: $id) {{ {DISPATCH} }} }}"
LETTER = gid("Letter", "a", "l1")


def sender(key: str = "a", count: int = 4, **options: Any) -> Fake:
    return fake(
        key,
        customers=[customer(key, str(n)) for n in range(count)],
        letters=[letter(key, f"l{n}", str(n)) for n in range(count)],
        correspondence=[correspondence(key, "c1", "1")],
        writes=True,
        **options,
    )


async def sent(gateway: Gateway, query: str, **members: Any) -> Any:
    return (await data(gateway, query, input=members))["sent"]


def only_item(payload: Any) -> Any:
    (item,) = payload["dispatch"]["items"]["nodes"]
    return item
