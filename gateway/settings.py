"""What a gateway is told: ``postroom.toml``, the environment, secret files and options, as frozen settings.

What is said twice is taken from the first of: an option, the environment, the file. A secret in the file may stand in a
variable or a file of its own. Everything wrong is reported at once, and no secret is ever part of a message or a repr.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.contract import Credentials, Limits, Vendor, VendorSettings
from adapters.shapes import Check, SecretStr, Shape
from gateway.settings_auth import AuthSettings, JwtSettings, check_auth
from gateway.settings_backends import CREDENTIAL_PREFIX, BackendReader
from gateway.settings_connections import ConnectionSettings
from gateway.settings_documents import DocumentSettings
from gateway.settings_limits import LimitSettings
from gateway.settings_reading import Reader, is_loopback, read_toml
from gateway.settings_stores import CacheSettings, LedgerSettings, RedisSettings
from gateway.worker import Worker

__all__ = [
    "DEFAULT_FILE",
    "AuthSettings",
    "BackendSettings",
    "CacheSettings",
    "ConnectionSettings",
    "DocumentSettings",
    "FederationSettings",
    "FileSettings",
    "JwtSettings",
    "LedgerSettings",
    "LimitSettings",
    "ListLimits",
    "RedisSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "load_settings",
    "sandbox_settings",
]

DEFAULT_FILE = Path("postroom.toml")
"""Where the settings are looked for when nobody says where they are."""

SHORTEST_KEY = 32
"""Characters."""

HostName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")]
Origin = Annotated[str, Meta(pattern=r"^https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?\Z")]


class SettingsError(Exception):
    """Settings that cannot be used: every problem, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ServerSettings(Shape, frozen=True, kw_only=True):
    """Where the gateway listens, and where it is reached from outside."""

    host: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9._:%-]+\Z",
            description="the name or address of one of this machine's network interfaces",
            examples=["127.0.0.1"],
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="a whole number from 0 to 65535 (0: any free port)", examples=[8000])
    ] = 8000
    public_url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?\Z",
                description="an address that begins with https:// or http://, without user, query or fragment",
                examples=["https://postroom.example.com"],
            ),
        ]
        | None
    ) = None
    insecure: Annotated[bool, Meta(description="true or false", examples=[True])] = False
    # Browsers, proxies and balancers commonly give up after a minute: what is known by then should be on its way.
    operation_seconds: Annotated[
        float, Meta(gt=0, le=600, description="a number of seconds above 0, at most 600", examples=[60])
    ] = 60.0

    # Names, without port: what a browser may have been told is no address of ours (`gateway.server.hosts`).
    allowed_hosts: Annotated[
        list[HostName],
        Meta(description="a list of host names, without scheme and port", examples=[["postroom.internal.example.com"]]),
    ] = msgspec.field(default_factory=list)
    cors_origins: Annotated[
        list[Origin],
        Meta(
            description="a list of origins: https:// or http://, a host, and a port where it is not the usual one",
            examples=[["https://app.example.com"]],
        ),
    ] = msgspec.field(default_factory=list)
    cors_credentials: Annotated[bool, Meta(description="true or false", examples=[True])] = False
    # Orchestrators commonly send SIGTERM, and 30 seconds later SIGKILL: two are left for closing.
    stop_seconds: Annotated[
        int, Meta(ge=1, le=3600, description="a whole number of seconds from 1 to 3600", examples=[28])
    ] = 28
    leave_seconds: Annotated[
        int, Meta(ge=0, le=60, description="a whole number of seconds from 0 to 60", examples=[5])
    ] = 0

    @property
    def url(self) -> str:
        """Where the gateway is reached: ``public_url``, or the address it listens on."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class ListLimits(Shape, frozen=True, kw_only=True):
    """How much one list answers."""

    max_page: Annotated[int, Meta(ge=1, le=10_000, description="a whole number from 1 to 10000", examples=[500])] = 500


def _is_long(key: SecretStr) -> None:
    if len(key.get_secret_value()) < SHORTEST_KEY:
        raise ValueError("short")


class FileSettings(Shape, frozen=True, kw_only=True):
    """Links to files.

    Without a ``key`` each process makes one up: its links die with it, and no other process takes them.
    """

    key: (
        Annotated[
            SecretStr,
            Check(_is_long),
            Meta(
                description="at least 32 characters that nobody can guess (`openssl rand -base64 32` makes some)",
                examples=[{"env": "NAME"}],
            ),
        ]
        | None
    ) = None
    lifetime_seconds: Annotated[
        int, Meta(ge=1, le=86_400, description="a whole number of seconds from 1 to 86400 (a day)", examples=[600])
    ] = 600


class FederationSettings(Shape, frozen=True, kw_only=True):
    """What the schema tells a federation router. Scopes are looked at here whatever it is told."""

    # Off: Apollo's JavaScript gateway refuses a schema with @requiresScopes.
    router_checks_scopes: Annotated[bool, Meta(description="true or false", examples=[True])] = False


class TracingSettings(Shape, frozen=True, kw_only=True):
    """Where traces go; without an endpoint there are none."""

    otlp_endpoint: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?\Z",
                description="a collector's address for OTLP over HTTP, without user, query or fragment",
                examples=["http://127.0.0.1:4318"],
            ),
        ]
        | None
    ) = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """One configured connection. Backends with the same word in ``shares_codes`` name a customer by the same code.

    ``cache_seconds`` says by operation for how long an answer is kept; of others none is.
    """

    key: str
    vendor: Vendor
    base_url: str
    credentials: Credentials
    settings: VendorSettings
    limits: Limits
    timeout: float = 30.0
    shares_codes: str | None = None
    cache_seconds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of it. ``workers`` are the processes that this command serves with, ``worker`` is this one of several."""

    server: ServerSettings = field(default_factory=ServerSettings)
    connections: ConnectionSettings = field(default_factory=ConnectionSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    jwt: JwtSettings = field(default_factory=JwtSettings)
    lists: ListLimits = field(default_factory=ListLimits)
    limits: LimitSettings = field(default_factory=LimitSettings)
    documents: DocumentSettings = field(default_factory=DocumentSettings)
    files: FileSettings = field(default_factory=FileSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)
    federation: FederationSettings = field(default_factory=FederationSettings)
    workers: int = 1
    worker: Worker | None = None
    backends: tuple[BackendSettings, ...] = ()

    @property
    def processes(self) -> int:
        """Among how many processes a backend's limits are shared out where nothing keeps them together."""
        return self.redis.expected_processes or self.workers


def load_settings(
    path: Path | None,
    *,
    environ: Mapping[str, str],
    vendors: Mapping[str, Vendor],
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a file (None: of the environment and the options alone).

    ``overrides`` are options by the key path that they stand for: ``{"server.port": 9000}`` is ``--port 9000``.

    Raises:
        SettingsError: with every problem there is.
    """
    document: Mapping[str, Any] = {}
    if path is not None:
        document, problem = read_toml(path)
        if problem is not None:
            raise SettingsError([problem])
    source = "settings" if path is None else str(path)
    folder = Path() if path is None else path.parent
    return _read(document, source, folder, environ, vendors, overrides or {})


def sandbox_settings(
    base_urls: Mapping[str, str],
    credentials: Mapping[str, Mapping[str, str]],
    vendors: Mapping[str, Vendor],
    *,
    ledger: Path,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings over running emulators: one backend for each vendor in ``base_urls``, all sharing codes.

    Sends are written down in the file ``ledger``.

    The credentials of real backends in the environment are no business of an emulator's.

    Raises:
        SettingsError: when the environment or an option is wrong.
    """
    backends = [
        {
            "key": name.replace("_", "-"),
            "vendor": name,
            "base_url": base_url,
            "credentials": credentials[name],
            "shares_codes": "sandbox",
        }
        for name, base_url in base_urls.items()
    ]
    known = {name: text for name, text in (environ or {}).items() if not name.startswith(CREDENTIAL_PREFIX)}
    document = {
        "backends": backends,
        "ledger": {"url": f"sqlite:///{ledger}"},
        "documents": {"suggestions": True},
    }
    return _read(document, "the sandboxes", Path(), known, vendors, overrides or {})


def _is_open(server: ServerSettings, auth: AuthSettings) -> bool:
    """Whether anybody beyond this machine could ask anything, and nobody said that this is meant."""
    return auth.mode == "none" and not server.insecure and not is_loopback(server.host)


_SECTIONS: Mapping[str, type[Shape]] = {
    "server": ServerSettings,
    "connections": ConnectionSettings,
    "auth": AuthSettings,
    "jwt": JwtSettings,
    "lists": ListLimits,
    "limits": LimitSettings,
    "documents": DocumentSettings,
    "files": FileSettings,
    "ledger": LedgerSettings,
    "redis": RedisSettings,
    "cache": CacheSettings,
    "tracing": TracingSettings,
    "federation": FederationSettings,
}


def _read(
    document: Mapping[str, Any],
    source: str,
    folder: Path,
    environ: Mapping[str, str],
    vendors: Mapping[str, Vendor],
    overrides: Mapping[str, Any],
) -> Settings:
    reader = Reader(source=source, folder=folder, environ=environ, overrides=overrides)
    reader.check_keys(document, {*_SECTIONS, "backends"}, "")
    sections: dict[str, Any] = {name: reader.section(document, name, kind) for name, kind in _SECTIONS.items()}
    server, tracing = sections["server"], sections["tracing"]
    if tracing is not None and tracing.otlp_endpoint is not None and importlib.util.find_spec("opentelemetry") is None:
        place = reader.place("tracing", "otlp_endpoint")
        reader.problem(place, "needs OpenTelemetry; install Postroom with its extra: postroom[tracing]")
    if server is not None and server.leave_seconds >= server.stop_seconds:
        reader.problem(
            reader.place("server", "leave_seconds"), f"must be less than stop_seconds, which is {server.stop_seconds}"
        )
    check_auth(reader, sections["auth"], sections["jwt"])
    if server is not None and sections["auth"] is not None and _is_open(server, sections["auth"]):
        place = reader.place("server", "host")
        reader.problem(
            place,
            f"{server.host} is reached from beyond this machine, and the gateway asks nobody who they are; "
            'write host = "127.0.0.1" or mode = "api_key" under [auth], '
            "or say insecure = true (--insecure) if something in front of it does the asking",
        )
    sections["documents"] = _documents(reader, sections["documents"], folder)
    backends = [BackendSettings(**members) for members in BackendReader(reader, vendors).backends(document)]
    reader.check_environment()
    if reader.problems or None in sections.values():
        raise SettingsError(reader.problems)
    return Settings(**sections, backends=tuple(backends))


def _documents(reader: Reader, documents: DocumentSettings | None, folder: Path) -> DocumentSettings | None:
    """The section with its manifest found beside the settings."""
    if documents is None:
        return None
    if documents.manifest is None:
        if documents.trusted == "require":
            reader.problem(reader.place("documents", "trusted"), "needs a manifest, or nothing could be asked")
        return documents
    return msgspec.structs.replace(documents, manifest=folder / documents.manifest)
