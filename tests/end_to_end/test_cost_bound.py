"""What the vendors' emulators are really asked is never more than the cost says (sign-ins apart)."""

import pytest

from gateway.documents.preparing import Documents
from gateway.schema.costs import field_costs
from gateway.settings_limits import LimitSettings
from tests.end_to_end.stage import Stage

EVERYTHING_OF_CUSTOMERS = """{
  customers(first: 4) {
    nodes {
      code name emails address { city } currency outstandingBalance raw
      message { text raw }
      templates(first: 3) { nodes { raw emailTemplate { name subject body raw } } }
      documents(first: 3) { nodes { title raw ... on Letter { pageCount } customer { code emails } } }
      counterparts { name emails documents(first: 2) { nodes { title } } }
    }
    totalCount
  }
}"""
TIMELINE = "{ documents(first: 10) { nodes { title raw customer { name address { city } } } totalCount } }"
LISTS = """{
  letters(first: 5) { nodes { raw pageCount } }
  correspondence(first: 5) { nodes { raw number } }
  templates(first: 5) { nodes { raw customer { name } emailTemplate { name body } } }
  messages(first: 5) { nodes { text raw createdBy } }
}"""


@pytest.mark.parametrize("query", [EVERYTHING_OF_CUSTOMERS, TIMELINE, LISTS], ids=["customers", "timeline", "lists"])
async def test_vendors_are_asked_no_more_than_the_cost(stage: Stage, query: str) -> None:
    gateway = stage.gateway
    schema = gateway.schema.core
    limits = LimitSettings().of_documents
    documents = Documents(schema, field_costs(schema), limits, most_records=gateway.settings.lists.max_page)
    cost = documents.prepared(query).operation(None).cost.total(None, len(gateway.backends))
    reply = await stage.ask(query)
    assert reply.data is not None
    assert 0 < sum(reply.counts.values()) <= cost <= limits.cost
