"""One request over all four vendors, and every file that it names."""

import io
from collections import Counter

import httpx
from pypdf import PdfReader

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import configured, id_of, served
from tests.patience import PATIENCE

ALL_OF_IT = """query ($ids: [ID!]) {
  customers(first: 10) {
    nodes {
      id code name emails
      backend { key vendor }
      counterparts { code backend { key } }
      templates(first: 5) { nodes { emailTemplate { name subject } } }
      message { code text }
    }
    problems { code }
  }
  documents(customers: $ids, withCounterparts: true, first: 200) {
    nodes {
      __typename id date title backend { key } customer { code }
      pdf { url contentType }
      ... on Letter { pageCount preview(page: 1, size: W240) { url contentType } }
    }
    problems { code }
  }
  intacct: customers(backends: ["sage-intacct"], first: 10) {
    nodes { code templates(first: 5) { nodes { emailTemplate { name subject } } } message { code text } }
  }
}"""


def post(url: str, query: str, **variables: object) -> dict[str, object]:
    """The answer to a query over HTTP."""
    answer = httpx.post(
        f"{url}/graphql", json={"query": query, "variables": variables}, timeout=PATIENCE, trust_env=False
    )
    assert answer.status_code == 200
    body: dict[str, object] = answer.json()
    return body


def test_ten_customers_with_their_counterparts_documents_templates_messages_and_files(company: SandboxServer) -> None:
    with served(configured(company)) as url:
        ids = [id_of("Customer", "kashflow", code) for code in range(10001, 10011)]
        answer = post(url, ALL_OF_IT, ids=ids)
        assert "errors" not in answer
        data: dict[str, dict[str, list[dict[str, object]]]] = answer["data"]  # type: ignore[assignment]
        documents = data["documents"]["nodes"]
        files = [one["pdf"] for one in documents] + [one["preview"] for one in documents if one.get("preview")]
        with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
            contents = [(file, client.get(file["url"])) for file in files]  # type: ignore[index]

    assert (data["customers"]["problems"], data["documents"]["problems"]) == ([], [])
    kinds = Counter((one["backend"]["key"], one["__typename"]) for one in documents)  # type: ignore[index]
    assert kinds.keys() == {("billing-platform", "Correspondence"), ("smallinvoice", "Letter")}
    assert [one["date"] for one in documents] == sorted((str(one["date"]) for one in documents), reverse=True)
    assert {one["customer"]["code"] for one in documents} == {str(code) for code in range(10001, 10011)}  # type: ignore[index]
    for customer in data["customers"]["nodes"]:
        keys = [other["backend"]["key"] for other in customer["counterparts"]]  # type: ignore[attr-defined]
        assert sorted([customer["backend"]["key"], *keys]) == [  # type: ignore[index]
            "billing-platform",
            "kashflow",
            "sage-intacct",
            "smallinvoice",
        ]
    assert any(customer["message"] for customer in data["intacct"]["nodes"])
    assert any(customer["templates"]["nodes"] for customer in data["intacct"]["nodes"])  # type: ignore[index]
    for file, fetched in contents:
        assert (fetched.status_code, fetched.headers["content-type"]) == (200, file["contentType"])  # type: ignore[index]
        if file["contentType"] == "application/pdf":  # type: ignore[index]
            assert "Northgate Supplies" in PdfReader(io.BytesIO(fetched.content)).pages[0].extract_text()
        else:
            assert (fetched.content[:8], int.from_bytes(fetched.content[16:20])) == (b"\x89PNG\r\n\x1a\n", 240)


def test_no_link_names_a_vendors_address_or_credential(company: SandboxServer) -> None:
    with served(configured(company)) as url:
        answer = post(url, "{ documents(first: 30) { nodes { pdf { url } } } }")
        fetched = httpx.get(answer["data"]["documents"]["nodes"][0]["pdf"]["url"], trust_env=False, timeout=PATIENCE)  # type: ignore[index]

    shown = f"{answer} {fetched.headers}"
    hidden = [value for sandbox in company.sandboxes.values() for value in sandbox.access.credentials.values()]
    hidden += [company.url(name) for name in company.sandboxes]
    assert [text for text in hidden if text in shown] == []


def test_an_altered_link_a_foreign_one_and_one_past_its_time_tell_nothing(company: SandboxServer) -> None:
    with served(configured(company)) as url:
        answer = post(url, "{ letters(first: 2) { nodes { pdf { url } } } }")
        links = [one["pdf"]["url"] for one in answer["data"]["letters"]["nodes"]]  # type: ignore[index]
        payload, signature = links[0].rsplit(".", 1)
        forged = ("B" if signature[0] == "A" else "A") + signature[1:]
        altered = [f"{payload}.{forged}", f"{payload}.", links[1].rsplit(".", 1)[0] + "." + signature]
        answers = [
            httpx.get(link, trust_env=False, timeout=PATIENCE)
            for link in (*altered, f"{url}/files/x.y", f"{url}/files/..%2fx")
        ]

    assert [one.status_code for one in answers[:4]] == [403] * 4
    assert answers[4].status_code in (403, 404)
    assert len({one.content for one in answers[:4]}) == 1
