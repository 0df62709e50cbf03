"""Reads the backends: each table against what its vendor says of credentials, settings and limits."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta, Struct

from adapters.contract import Credentials, Limits, Rate, Vendor, VendorSettings
from adapters.shapes import RefusedError, Shape, members_of
from gateway.settings_reading import Place, Reader, is_loopback, listed, nearest

__all__ = ["CREDENTIAL_PREFIX", "BackendReader"]

S = TypeVar("S", bound=Shape)

CREDENTIAL_PREFIX = "POSTROOM_CREDENTIAL__"
SHOWN_INSTEAD = "***"
TABLES = ("credentials", "settings", "limits", "cache_seconds")
ADDRESS = "an address that begins with https:// (http:// to this machine alone), without user, query or fragment"
ADDRESS_EXAMPLE = "https://billing.example.com/api"
ALL_OTHERS = "*"
LONGEST_CACHE_SECONDS = 86_400
BOUNDED_BY_THE_VENDOR = frozenset({"page_size", "statement_batch"})
"""Limits that are the vendor's own; the others are how hard we may press it."""


class _Backend(Shape, frozen=True, kw_only=True):
    """A backend's own keys."""

    key: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9-]{0,39}\Z",
            description="at most 40 small letters, digits and hyphens, a letter first",
            examples=["uk-billing"],
        ),
    ]
    timeout: Annotated[
        float, Meta(gt=0, le=600, description="a number of seconds above 0, at most 600", examples=[30])
    ] = 30.0
    shares_codes: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="a word; backends with the same one name a customer by the same code",
                examples=["our-company"],
            ),
        ]
        | None
    ) = None


class _Rate(Struct, forbid_unknown_fields=True):
    calls: Annotated[int, Meta(ge=1)]
    seconds: Annotated[float, Meta(gt=0, le=86_400)]


class BackendReader:
    """Reads the array of backends."""

    def __init__(self, reader: Reader, vendors: Mapping[str, Vendor]) -> None:
        self._reader = reader
        self._vendors = vendors

    def backends(self, document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The members of each backend in which nothing is wrong."""
        tables = document.get("backends", [])
        place = self._reader.in_file("backends")
        if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
            self._reader.problem(place, "must be an array of tables; write [[backends]] above each")
            self._reader.excuse(CREDENTIAL_PREFIX)
            return
        if not tables:
            self._reader.problem(place, "there are none; write at least one, beginning with [[backends]]")
            self._reader.excuse(CREDENTIAL_PREFIX)
        seen: dict[str, str] = {}
        for index, table in enumerate(tables):
            path = f"backends[{index}]"
            before = len(self._reader.problems)
            members = self._backend(table, path, seen)
            if members is not None and len(self._reader.problems) == before:
                yield members

    def _backend(self, table: Mapping[str, Any], path: str, seen: dict[str, str]) -> dict[str, Any] | None:
        reader = self._reader
        reader.check_keys(table, {*members_of(_Backend), "vendor", "base_url", *TABLES}, path)
        own = {name: table[name] for name in members_of(_Backend) if name in table}
        backend = reader.validated(_Backend, own, lambda key: reader.in_file(f"{path}.{key}"))
        key = table.get("key")
        if isinstance(key, str):
            self._check_unique(key, path, seen)
        vendor = self._vendor(table.get("vendor"), path)
        if vendor is None or not isinstance(key, str):
            reader.excuse(credential_variable(key, "") if isinstance(key, str) else CREDENTIAL_PREFIX)
            return None
        members = {
            "vendor": vendor,
            "base_url": self._base_url(table.get("base_url"), vendor, path),
            "credentials": self._credentials(table, vendor, key, path),
            "settings": self._settings(table, vendor, path),
            "limits": self._limits(table, vendor, path),
            "cache_seconds": self._cache_seconds(table, vendor, path),
        }
        return None if backend is None else backend.named() | members

    def _check_unique(self, key: str, path: str, seen: dict[str, str]) -> None:
        if key in seen:
            place = self._reader.in_file(f"{path}.key")
            self._reader.problem(
                place, f'"{key}" is the key of {seen[key]} already; give each backend a key of its own'
            )
        seen.setdefault(key, path)

    def _vendor(self, name: object, path: str) -> Vendor | None:
        vendor = self._vendors.get(name) if isinstance(name, str) else None
        if vendor is None:
            guess = nearest(name, self._vendors) if isinstance(name, str) else ""
            what = f'"{name}" is no vendor' if isinstance(name, str) else "must name a vendor"
            text = f"{what}; {guess} " if guess.startswith("did you mean") else f"{what}; "
            known = f"known here: {listed(self._vendors)}"
            self._reader.problem(self._reader.in_file(f"{path}.vendor"), text + known)
        return vendor

    def _base_url(self, base_url: object, vendor: Vendor, path: str) -> str | None:
        place = self._reader.in_file(f"{path}.base_url")
        example = f"write for example {place.such_as(ADDRESS_EXAMPLE)}"
        if base_url is None:
            if vendor.base_url is None:
                self._reader.problem(place, f"is missing, and {vendor.title} has no one address; {example}")
            return vendor.base_url
        if isinstance(base_url, str) and may_carry_credentials(base_url):
            return base_url
        self._reader.problem(place, f"must be {ADDRESS}; {example}")
        return None

    def _credentials(self, table: Mapping[str, Any], vendor: Vendor, key: str, path: str) -> Credentials | None:
        reader, shape = self._reader, vendor.credentials
        path = f"{path}.credentials"
        given = reader.table(table, "credentials", path) or {}
        reader.check_keys(given, members_of(shape).keys(), path)
        places: dict[str, Place] = {}
        values: dict[str, str] = {}
        for name, field in members_of(shape).items():
            variable = credential_variable(key, name)
            text = reader.variable(variable)
            places[name] = reader.in_file(f"{path}.{name}") if text is None else reader.in_environment(variable)
            if text is None and name in given:
                text = reader.secret(given[name], places[name])
            elif text == "":
                reader.problem(places[name], "is empty; set it to the secret, or not at all")
            elif text is None and field.required:
                reader.problem(
                    places[name],
                    f'is missing; write {name} = {{ env = "NAME" }}, {name} = {{ file = "path" }} or the text itself, '
                    f"or set the environment variable {variable}",
                )
            if text:
                values[name] = text
        whole = reader.in_file(path)
        return self._checked(
            shape, values, whole, places, secrets=tuple(values.values()), told=members_of(shape).keys() - values
        )

    def _settings(self, table: Mapping[str, Any], vendor: Vendor, path: str) -> VendorSettings | None:
        path = f"{path}.settings"
        given = self._reader.table(table, "settings", path) or {}
        self._reader.check_keys(given, members_of(vendor.settings).keys(), path)
        known = {name: value for name, value in given.items() if name in members_of(vendor.settings)}
        places = {name: self._reader.in_file(f"{path}.{name}") for name in members_of(vendor.settings)}
        return self._checked(vendor.settings, known, self._reader.in_file(path), places)

    def _checked(
        self,
        shape: type[S],
        values: Mapping[str, Any],
        whole: Place,
        places: Mapping[str, Place],
        *,
        secrets: tuple[str, ...] = (),
        told: Collection[str] = (),
    ) -> S | None:
        """The values as a vendor's own shape, which refuses in its own words; ``told`` are known to be missing."""
        try:
            return shape.of(values)
        except RefusedError as error:
            for refusal in error.refusals:
                if refusal.field in told:
                    continue
                text = refusal.text
                for secret in sorted(secrets, key=len, reverse=True):
                    text = text.replace(secret, SHOWN_INSTEAD)
                missing = refusal.kind == "missing"
                self._reader.problem(
                    places.get(refusal.field, whole), "is missing; write it there" if missing else text
                )
        return None

    def _limits(self, table: Mapping[str, Any], vendor: Vendor, path: str) -> Limits:
        path = f"{path}.limits"
        given = self._reader.table(table, "limits", path) or {}
        self._reader.check_keys(given, Limits.__struct_fields__, path)
        known = {name: value for name, value in given.items() if name in Limits.__struct_fields__}
        if "rate" in known:
            known["rate"] = self._rate(known["rate"], f"{path}.rate")
        for name, value in known.items():
            if name == "rate":
                continue
            most = getattr(vendor.limits, name) if name in BOUNDED_BY_THE_VENDOR else None
            whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
            if not whole or (most is not None and value > most):
                place = self._reader.in_file(f"{path}.{name}")
                range_ = (
                    "a whole number above 0" if most is None else f"a whole number from 1 to {most}, the most there is"
                )
                example = place.such_as(getattr(vendor.limits, name))
                self._reader.problem(place, f"must be {range_}; write for example {example}")
        return msgspec.structs.replace(vendor.limits, **known)

    def _rate(self, value: object, path: str) -> Rate | None:
        try:
            rate = msgspec.convert(value, _Rate)
        except msgspec.ValidationError:
            place = self._reader.in_file(path)
            example = place.such_as({"calls": 100, "seconds": 60})
            self._reader.problem(place, f"must be so many calls in so many seconds; write for example {example}")
            return None
        return Rate(calls=rate.calls, seconds=rate.seconds)

    def _cache_seconds(self, table: Mapping[str, Any], vendor: Vendor, path: str) -> dict[str, int]:
        """By operation, for how long its answers are kept; those of 0 seconds are left out."""
        path = f"{path}.cache_seconds"
        given = self._reader.table(table, "cache_seconds", path) or {}
        for name, value in given.items():
            place, example = self._reader.in_file(f"{path}.{name}"), f'write for example "{name}" = 30'
            if isinstance(value, Mapping):
                known = listed(f'"{one}"' for one in vendor.reads)
                self._reader.problem(place, f"must stand in quotes, with all of its dots; known here: {known}")
            elif name not in vendor.reads and name != ALL_OTHERS:
                self._reader.unknown_key(place, name, {*vendor.reads, ALL_OTHERS})
            elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_CACHE_SECONDS:
                self._reader.problem(
                    place, f"must be a whole number of seconds from 0 to {LONGEST_CACHE_SECONDS} (a day); {example}"
                )
        seconds = {**dict.fromkeys(vendor.reads, given.get(ALL_OTHERS, 0)), **given}
        return {name: value for name, value in seconds.items() if name != ALL_OTHERS and value}


def credential_variable(key: str, name: str) -> str:
    """The environment variable that may hold one of a backend's credentials."""
    return f"{CREDENTIAL_PREFIX}{key}__{name}".upper().replace("-", "_")


def may_carry_credentials(base_url: str) -> bool:
    """Whether credentials may be sent to this address: encrypted, or within this machine."""
    try:
        parts = urlsplit(base_url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        return safe and _is_plain(parts, base_url)
    except ValueError:
        return False


def _is_plain(parts: SplitResult, text: str) -> bool:
    """Whether an address is of host, port and path alone. Raises ValueError for a port that cannot be."""
    _ = parts.port
    return bool(parts.hostname) and not any(sign in text for sign in "?#@ \\\t\n\r")
