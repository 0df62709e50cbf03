"""The registry: vendors that other packages name, each imported when it is looked at."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adapters.contract import Vendor
from adapters.registry import GROUP, load_vendors

Installed = Callable[[str], Mapping[str, Vendor]]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """All vendors, where a package with this source names one that is called as the test's own folder is."""

    def install(source: str) -> Mapping[str, Vendor]:
        name = tmp_path.name
        (tmp_path / f"{name}.py").write_text(source)
        about = tmp_path / f"{name}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (about / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {name}:vendor\n")
        monkeypatch.syspath_prepend(tmp_path)
        return load_vendors()

    return install


def test_a_vendor_that_nobody_looks_at_is_not_imported(installed: Installed, tmp_path: Path) -> None:
    vendors = installed("raise SystemExit")
    assert tmp_path.name in vendors
    assert tmp_path.name in list(vendors)
    assert vendors["kashflow"].name == "kashflow"


def test_a_package_that_misses_a_key_is_no_unknown_vendor(installed: Installed, tmp_path: Path) -> None:
    vendors = installed("{}['HOME_OF_ACME']")
    with pytest.raises(ImportError, match=f"{tmp_path.name}.*HOME_OF_ACME"):
        vendors.get(tmp_path.name)


def test_an_entry_point_names_a_vendor_of_its_own_name(installed: Installed, tmp_path: Path) -> None:
    vendors = installed("from adapters.kashflow import vendor")
    with pytest.raises(TypeError, match=tmp_path.name):
        vendors.get(tmp_path.name)


def test_who_is_not_installed_is_not_there(installed: Installed) -> None:
    vendors = installed("")
    assert vendors.get("nobody") is None
    assert "nobody" not in vendors
