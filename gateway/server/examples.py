"""The queries that the explorer opens with."""

from gateway.server.explorer import ExampleQuery

__all__ = ["EXAMPLES"]

CUSTOMER_PAGE = """\
query CustomerPage($first: Int = 10) {
  customers(first: $first) {
    nodes {
      id
      code
      name
      emails
      backend { key vendor }
      message { code text }
      templates(first: 5) { nodes { emailTemplate { name templateType } } }
      counterparts { id name backend { key } }
    }
    pageInfo { hasNextPage endCursor }
    problems { backend code message }
  }
}
"""

TIMELINE = """\
query Timeline($first: Int = 20) {
  documents(first: $first, orderBy: { field: DATE, direction: DESC }) {
    nodes {
      __typename
      date
      title
      state
      vendorStatus
      actions
      customer { code name }
      pdf { url expiresAt }
      ... on Correspondence { number type }
      ... on Letter { pageCount preview(page: 1, size: W240) { url } }
    }
    pageInfo { hasNextPage endCursor }
    problems { backend code message }
  }
}
"""

BACKENDS = """\
query Backends {
  backends {
    key
    vendor
    capabilities
    health { state since }
    budget { remaining queued }
  }
}
"""

EXAMPLES = (
    ExampleQuery("Customers, with what belongs to each", CUSTOMER_PAGE),
    ExampleQuery("What was sent, newest first", TIMELINE),
    ExampleQuery("The backends and what they can do", BACKENDS),
)
