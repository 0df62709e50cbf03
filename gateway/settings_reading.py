"""Reads settings from where they stand, and says of everything wrong where it is and what to write instead."""

import contextlib
import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from adapters.shapes import Field, Refusal, RefusedError, Shape, members_of

__all__ = ["Place", "Reader", "is_loopback", "read_toml"]

S = TypeVar("S", bound=Shape)

PREFIX = "POSTROOM_"
LARGEST_SECRET_FILE = 65_536
"""Bytes; a private key is under 4 kB. What is larger was named by mistake."""

_SAID_OF_SWITCHES = dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True) | dict.fromkeys(
    ("0", "off", "f", "false", "n", "no"), False
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands or would stand; ``form`` is how to write one there, as TOML or as it is."""

    where: str
    form: str
    toml: bool = False

    def such_as(self, example: object) -> str:
        """What to write there, for example."""
        if self.toml:
            return self.form.format(value=_toml(example))
        if isinstance(example, Mapping):
            return self.form.format(value="SECRET")
        if isinstance(example, list):
            return self.form.format(value=",".join(example))
        return self.form.format(value=example if isinstance(example, str) else _toml(example))


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value)


def read_toml(path: Path) -> tuple[Mapping[str, Any], str | None]:
    """A TOML file's content, or why there is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), None
    except OSError as error:
        return {}, f"{path}: cannot be read: {error.strerror}; name another file with --config."
    except UnicodeDecodeError as error:
        return {}, f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."
    except tomllib.TOMLDecodeError as error:
        return (
            {},
            f"{path}: is not TOML: {error}; strings stand in quotes, and a section begins with its name in brackets.",
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, reached by nobody else."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Reader:
    """One reading of settings: what is wrong gathers in ``problems``."""

    def __init__(self, *, source: str, folder: Path, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> None:
        self.problems: list[str] = []
        self.environ = environ
        self._source = source
        self._folder = folder
        self._overrides = overrides
        self._known_variables: set[str] = set()
        self._excused: set[str] = set()

    def problem(self, place: Place, text: str) -> None:
        """Notes what is wrong at a place."""
        self.problems.append(f"{place.where}: {text if text.endswith(('.', '?')) else text + '.'}")

    def in_file(self, path: str) -> Place:
        """A key path in the file."""
        name = path.rsplit(".", 1)[-1]
        return Place(f"{self._source}: {path}" if path else self._source, f"{name} = {{value}}", toml=True)

    def in_environment(self, variable: str) -> Place:
        """An environment variable."""
        return Place(f"environment variable {variable}", f"{variable}={{value}}")

    def place(self, section: str, name: str) -> Place:
        """Where the value of a section's key comes from; the file when it is nowhere."""
        if f"{section}.{name}" in self._overrides:
            option = f"--{name.replace('_', '-')}"
            return Place(f"option {option}", f"{option} {{value}}")
        variable = variable_of(section, name)
        return self.in_environment(variable) if variable in self.environ else self.in_file(f"{section}.{name}")

    def check_keys(self, table: Mapping[str, Any], known: Collection[str], path: str) -> None:
        """Notes every key of a table that is not known there."""
        for key in (key for key in table if key not in known):
            self.unknown_key(self.in_file(f"{path}.{key}" if path else key), key, known)

    def unknown_key(self, place: Place, key: str, known: Collection[str]) -> None:
        """Notes a key that is not known, with the nearest one that is."""
        self.problem(place, f"is not known; {nearest(key, known)}")

    def table(self, document: Mapping[str, Any], key: str, path: str) -> Mapping[str, Any] | None:
        """A table of the document, empty when it is not there; None when it is something else."""
        value = document.get(key, {})
        if isinstance(value, Mapping):
            return value
        heading = re.sub(r"\[[0-9]+\]", "", path)
        self.problem(self.in_file(path), f"must be a table; write [{heading}] on a line of its own")
        return None

    def section(self, document: Mapping[str, Any], name: str, shape: type[S]) -> S | None:
        """A section, each value from the first place that has one; None when something in it is wrong."""
        table = self.table(document, name, name)
        before = len(self.problems)
        values = self._merged(table or {}, name, shape)
        model = self.validated(shape, values, lambda key: self.place(name, key))
        return model if table is not None and len(self.problems) == before else None

    def _merged(self, table: Mapping[str, Any], section: str, shape: type[Shape]) -> dict[str, Any]:
        values = dict(table)
        for name, field in members_of(shape).items():
            variable = variable_of(section, name)
            self._known_variables.add(variable)
            if f"{section}.{name}" in self._overrides:
                values[name] = self._overrides[f"{section}.{name}"]
            elif variable in self.environ:
                values[name] = _from_text(self.environ[variable], field)
            elif name in values and field.is_secret:
                values[name] = self.secret(values[name], self.in_file(f"{section}.{name}"))
                if values[name] is None:
                    del values[name]
        return values

    def validated(self, shape: type[S], values: Mapping[str, Any], place: Callable[[str], Place]) -> S | None:
        """The values as ``shape``, which describes its own fields; None when one is wrong."""
        try:
            return shape.of(values)
        except RefusedError as error:
            for refusal in error.refusals:
                self._explain(shape, refusal, place(refusal.field))
        return None

    def _explain(self, shape: type[Shape], refusal: Refusal, place: Place) -> None:
        if refusal.kind == "unknown":
            self.unknown_key(place, refusal.field, members_of(shape))
            return
        field = members_of(shape)[refusal.field]
        what = "is missing" if refusal.kind == "missing" else f"must be {field.description}"
        self.problem(place, f"{what}; write for example {place.such_as(field.example)}")

    def secret(self, value: object, place: Place) -> str | None:
        """A secret: the text itself, or of the variable or the file that is named instead. None when there is none.

        The names of either are not repeated: what stands there by mistake may be the secret.
        """
        match value:
            case str():
                text: str | None = value
            case {"env": str(variable), **rest} if not rest:
                text = self.variable(variable)
                if text is None:
                    self.problem(place, "names an environment variable that is not set; set it")
            case {"file": str(name), **rest} if not rest:
                text = self._secret_file(self._folder / name, place)
            case _:
                text = None
                self.problem(place, 'must be text, { env = "NAME" } or { file = "path" }')
        if text == "":
            self.problem(place, 'is empty; write the secret, { env = "NAME" } or { file = "path" }')
        return text or None

    def _secret_file(self, path: Path, place: Place) -> str | None:
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_SECRET_FILE + 1)
            if len(content) <= LARGEST_SECRET_FILE:
                return content.decode("utf-8").rstrip("\r\n")
            self.problem(
                place, f"names a file of more than {LARGEST_SECRET_FILE} bytes; name one with the secret alone"
            )
        except OSError as error:
            start = "a relative path begins at the folder of the settings"
            self.problem(place, f"names a file that cannot be read: {error.strerror}; name one that can ({start})")
        except UnicodeDecodeError:
            self.problem(place, "names a file that is not UTF-8 text; name a text file")
        return None

    def variable(self, name: str) -> str | None:
        """An environment variable that means something here, whether it is set or not."""
        self._known_variables.add(name)
        return self.environ.get(name)

    def excuse(self, prefix: str) -> None:
        """Says that variables that begin so cannot be judged."""
        self._excused.add(prefix)

    def check_environment(self) -> None:
        """Notes variables that are meant for us (two underscores tell) and mean nothing."""
        for name in sorted(self.environ):
            ours = name.startswith(PREFIX) and "__" in name
            if ours and name not in self._known_variables and not name.startswith(tuple(self._excused)):
                self.unknown_key(self.in_environment(name), name, self._known_variables)


def variable_of(section: str, name: str) -> str:
    """The environment variable of a section's key."""
    return f"{PREFIX}{section}__{name}".upper()


def nearest(key: str, known: Collection[str]) -> str:
    """What was perhaps meant; all there is, when nothing is near."""
    near = difflib.get_close_matches(key, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {listed(known)}"


def listed(names: Iterable[str]) -> str:
    """Names in order, or that there are none."""
    return ", ".join(sorted(names)) or "nothing"


def _from_text(text: str, field: Field) -> Any:
    """What a variable's text means for a field; the text itself when it means nothing there. A list has commas."""
    if list in field.kinds:
        return [piece.strip() for piece in text.split(",") if piece.strip()]
    if bool in field.kinds:
        return _SAID_OF_SWITCHES.get(text.lower(), text)
    for number in field.kinds & {int, float}:
        with contextlib.suppress(ValueError):
            return number(text)
    return text
