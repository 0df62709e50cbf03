import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import architecture

ROOT = Path(__file__).parents[1]

Rule = Callable[[Path], list[str]]
# What the rules allow, though it comes close to what they refuse.
SOUND = {
    "adapters/__init__.py": "",
    "adapters/model.py": "import msgspec\n",
    "adapters/sandboxing.py": "import sqlite3\nfrom adapters import sandbox_paper\n",
    "adapters/registry.py": "from importlib.metadata import entry_points\n",
    "adapters/kashflow/__init__.py": "from adapters.kashflow import adapter\nfrom . import sandbox\n",
    "adapters/kashflow/adapter.py": "from adapters.model import Customer\nfrom .client import Client\n",
    "adapters/kashflow/sandbox.py": "from adapters.sandboxing import Journal\nfrom .sandbox_data import SEED\n",
    "adapters/kashflow/sandbox_data.py": "from adapters.kashflow.sandbox_more import rows\n",
    "adapters/smallinvoice/__init__.py": "",
    "gateway/app.py": "from adapters.registry import vendors\nmessage = 'usage of a passage'\n",
    "gateway/static/vendored/explorer.js": "'sage';",
    "gateway/static/page.html": "<p>messages</p>",
    "tests/test_kashflow.py": "from adapters.kashflow.client import Client\n" + "\n" * 399,
    "requirements.lock": "httpx==1 --hash=sha256:00\n# see https://vendor.example/simpler",
    ".venv/pip.conf": "https://index.example/" + "simple",
}


# For each rule: a file that breaks it, and what of its report follows the file's name.
FAULTS: dict[Rule, list[tuple[str, str, str]]] = {
    architecture.adapters_importing_gateway: [
        ("adapters/wire.py", "import gateway", ":1"),
        ("adapters/wire.py", "\nfrom gateway.app import x", ":2"),
        ("adapters/kashflow/client.py", "def f():\n  import gateway.app", ":2"),
    ],
    architecture.imports_into_a_vendor: [
        ("gateway/loaders.py", "import adapters.kashflow", ":1"),
        ("gateway/loaders.py", "from adapters import kashflow", ":1"),
        ("adapters/wire.py", "from .kashflow import vendor", ":1"),
        ("adapters/smallinvoice/client.py", "from ..kashflow.client import C", ":1"),
        ("adapters/smallinvoice/client.py", "from adapters.kashflow import C", ":1"),
    ],
    architecture.sandboxes_not_alone: [
        ("adapters/kashflow/sandbox.py", "from .translate import x", ":1"),
        ("adapters/kashflow/sandbox.py", "from . import client", ":1"),
        ("adapters/kashflow/sandbox.py", "import adapters", ":1"),
        ("adapters/kashflow/sandbox_data.py", "import adapters.kashflow.credential", ":1"),
        ("adapters/kashflow/sandbox/routes.py", "from adapters import model", ":1"),
        ("adapters/sandboxing.py", "from adapters.model import Customer", ":1"),
    ],
    architecture.vendors_named_in_the_gateway: [
        ("gateway/app.py", "\n# KashFlow only", ":2"),
        ("gateway/app.py", "class BillingPlatform: ...", ":1"),
        ("gateway/app.py", "billing_platform = 1", ":1"),
        ("gateway/app.py", "x = 'sage_x'", ":1"),
        ("gateway/static/page.html", "<p>Sage</p>", ":1"),
        ("gateway/query.graphql", "# smallinvoice", ":1"),
        ("gateway/intacct.py", "", ": its name"),
    ],
    architecture.vague_names: [
        ("gateway/utils.py", "", ""),
        ("adapters/common/money.py", "", ""),
        ("tests/helpers.py", "", ""),
    ],
    architecture.long_modules: [
        ("gateway/app.py", "\n" * 401, ": 401 lines"),
    ],
    architecture.download_addresses: [
        ("requirements.lock", "--index-url https://index.example/" + "simple", ""),
        ("tests/npm/package-lock.json", "registry" + ".npmjs.org", ""),
        (".ci/run", "pypi" + ".org", ""),
    ],
}


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("rule", FAULTS, ids=lambda rule: rule.__name__)
def test_the_project_keeps(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", FAULTS, ids=lambda rule: rule.__name__)
def test_a_sound_tree_keeps(rule: Rule, tmp_path: Path) -> None:
    assert rule(plant(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("rule", "file", "text", "found"),
    [(rule, file, text, f"{file}{report}") for rule, faults in FAULTS.items() for file, text, report in faults],
)
def test_a_planted_fault_is_found(rule: Rule, file: str, text: str, found: str, tmp_path: Path) -> None:
    assert rule(plant(tmp_path, SOUND | {file: text})) == [found]


def test_every_registered_vendor_has_its_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["entry-points"]["postroom.adapters"]) == architecture.vendors(ROOT)


def test_the_pip_that_sets_us_up_is_the_locked_one() -> None:
    (wheel,) = (ROOT / ".setup").glob("pip-*.whl")
    assert wheel.as_posix().removeprefix(f"{ROOT.as_posix()}/") in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in (ROOT / "requirements-dev.lock").read_text(
        encoding="utf-8"
    )


def test_the_build_backend_is_the_locked_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]
