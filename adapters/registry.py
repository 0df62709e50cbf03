"""Finds the vendors: every entry point of the group ``postroom.adapters`` names one `Vendor`.

A package of somebody else's can add one; ours are listed in ``pyproject.toml``, one line each.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from adapters.contract import Vendor

__all__ = ["GROUP", "load_vendors"]

GROUP = "postroom.adapters"


class _Vendors(Mapping[str, Vendor]):
    def __init__(self, points: Mapping[str, EntryPoint]) -> None:
        self._points = points

    def __getitem__(self, name: str) -> Vendor:
        vendor = self._points[name].load()
        if not isinstance(vendor, Vendor) or vendor.name != name:
            raise TypeError(f"The entry point {name!r} of {GROUP} is not a Vendor of that name.")
        return vendor

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


def load_vendors() -> Mapping[str, Vendor]:
    """All installed vendors by name, in name order.

    Each is imported when it is looked at: a gateway has use for those alone that it has a backend of. Looking raises
    `TypeError` for an entry point that is not a `Vendor`.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    return _Vendors({name: points[name] for name in sorted(points)})
