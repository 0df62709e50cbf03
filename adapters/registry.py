"""Finds the vendors: every entry point of the group ``postroom.adapters`` names one `Vendor`.

A package of somebody else's can add one; ours are listed in ``pyproject.toml``, one line each.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points

from adapters.contract import Vendor

__all__ = ["GROUP", "load_vendors"]

GROUP = "postroom.adapters"


def load_vendors() -> Mapping[str, Vendor]:
    """All installed vendors by name, in name order. Raises `TypeError` for an entry point that is not a `Vendor`."""
    vendors: dict[str, Vendor] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        vendor = point.load()
        if not isinstance(vendor, Vendor) or vendor.name != point.name:
            raise TypeError(f"The entry point {point.name!r} of {GROUP} is not a Vendor of that name.")
        vendors[vendor.name] = vendor
    return vendors
