"""Settings: where they come from, and what is said of every mistake."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Limits, Rate
from adapters.registry import load_vendors
from adapters.shapes import SecretStr
from gateway.settings import (
    ConnectionSettings,
    ServerSettings,
    Settings,
    SettingsError,
    load_settings,
    sandbox_settings,
)
from tests.gateway.fake_vendors import VENDORS

EXAMPLE = Path(__file__).parents[2] / "postroom.example.toml"
SOUND = '[[backends]]\nkey = "uk"\nvendor = "acme"\n[backends.credentials]\ntoken = "t0psecret"\n'
KEY = "k" * 32


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    path = folder / "postroom.toml"
    path.write_text(text, encoding="utf-8")
    options = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_settings(path, environ=environ or {}, vendors=VENDORS, overrides=options)


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None, **overrides: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(folder, text, environ, **overrides)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


def token_of(settings: Settings) -> str:
    token: SecretStr = settings.backends[0].credentials.token  # type: ignore[attr-defined]
    return token.get_secret_value()


def backend(text: str, tables: str = '[backends.credentials]\ntoken = "t0psecret"\n') -> str:
    return f"[[backends]]\n{text}\n{tables}"


# ── What is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    settings = load(tmp_path, SOUND)
    assert settings.server.named() == {
        "host": "127.0.0.1",
        "port": 8000,
        "public_url": None,
        "insecure": False,
        "operation_seconds": 60.0,
        "allowed_hosts": [],
        "cors_origins": [],
        "cors_credentials": False,
        "stop_seconds": 28,
        "leave_seconds": 0,
    }
    assert settings.connections == ConnectionSettings()
    assert (settings.lists.max_page, settings.cache.memory_mib) == (500, 64)
    assert settings.files.named() == {"key": None, "lifetime_seconds": 600}
    (uk,) = settings.backends
    assert (uk.key, uk.vendor, uk.base_url) == ("uk", VENDORS["acme"], "https://acme.example.com/api")
    assert (uk.timeout, uk.shares_codes, uk.limits) == (30.0, None, VENDORS["acme"].limits)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", {}),
        ('"customer.list" = 30', {"customer.list": 30}),
        ('"*" = 30', {"customer.get": 30, "customer.list": 30}),
        ('"*" = 30\n"customer.get" = 5', {"customer.get": 5, "customer.list": 30}),
        ('"*" = 30\n"customer.get" = 0', {"customer.list": 30}),
    ],
)
def test_answers_are_kept_as_long_as_is_said_of_their_operation_or_of_all_others(
    tmp_path: Path, said: str, expected: Mapping[str, int]
) -> None:
    (uk,) = load(tmp_path, f"{SOUND}[backends.cache_seconds]\n{said}\n").backends
    assert uk.cache_seconds == expected


def test_a_backend_says_all_there_is_to_say(tmp_path: Path) -> None:
    own = 'key = "uk"\nvendor = "acme"\nbase_url = "http://127.0.0.1:9/api"\ntimeout = 5\nshares_codes = "us"'
    tables = "[backends.settings]\npage_cap = 7\n[backends.limits]\npage_size = 9\nrate = { calls = 5, seconds = 2 }\n"
    (uk,) = load(tmp_path, backend(own) + tables).backends
    assert (uk.base_url, uk.timeout, uk.shares_codes) == ("http://127.0.0.1:9/api", 5.0, "us")
    assert uk.settings.named() == {"page_cap": 7, "whole": False}
    assert uk.limits == Limits(page_size=9, concurrency=4, statement_batch=35, rate=Rate(calls=5, seconds=2))


@pytest.mark.parametrize(
    ("written", "environ"),
    [
        ('"t0psecret"', {}),
        ('{ env = "TOKEN" }', {"TOKEN": "t0psecret"}),
        ('{ file = "secret" }', {}),
        ('{ file = "absolute" }', {}),
        ('"another"', {"POSTROOM_CREDENTIAL__UK__TOKEN": "t0psecret"}),
        ('{ env = "NOT_SET" }', {"POSTROOM_CREDENTIAL__UK__TOKEN": "t0psecret"}),
        (None, {"POSTROOM_CREDENTIAL__UK__TOKEN": "t0psecret"}),
    ],
)
def test_a_credential_stands_in_the_file_or_elsewhere(
    tmp_path: Path, written: str | None, environ: Mapping[str, str]
) -> None:
    (tmp_path / "secret").write_bytes(b"t0psecret\r\n")
    written = written and written.replace("absolute", str(tmp_path / "secret"))
    tables = f"[backends.credentials]\ntoken = {written}\n" if written else ""
    assert token_of(load(tmp_path, backend('key = "uk"\nvendor = "acme"', tables), environ)) == "t0psecret"


def test_a_hyphen_in_a_key_is_an_underscore_in_its_variable(tmp_path: Path) -> None:
    text = backend('key = "uk-two"\nvendor = "acme"', "")
    assert token_of(load(tmp_path, text, {"POSTROOM_CREDENTIAL__UK_TWO__TOKEN": "t0psecret"})) == "t0psecret"


@pytest.mark.parametrize(
    ("expected", "text", "environ", "options"),
    [
        (1, "[server]\nport = 1\n", {}, {}),
        (2, "[server]\nport = 1\n", {"POSTROOM_SERVER__PORT": "2"}, {}),
        (3, "[server]\nport = 1\n", {"POSTROOM_SERVER__PORT": "2"}, {"server__port": 3}),
        (2, "", {"POSTROOM_SERVER__PORT": "2"}, {}),
    ],
)
def test_an_option_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, expected: int, text: str, environ: Mapping[str, str], options: Mapping[str, Any]
) -> None:
    assert load(tmp_path, text + SOUND, environ, **options).server.port == expected


def test_the_key_of_file_links_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    settings = load(tmp_path, '[files]\nkey = { file = "key" }\n' + SOUND)
    assert settings.files.key == SecretStr(KEY)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (ServerSettings(), "http://127.0.0.1:8000"),
        (ServerSettings(host="::1", port=9), "http://[::1]:9"),
        (ServerSettings(public_url="https://postroom.example.com/x/"), "https://postroom.example.com/x"),
    ],
)
def test_the_address_is_the_public_one_or_where_it_listens(server: ServerSettings, expected: str) -> None:
    assert server.url == expected


def test_a_list_in_the_environment_has_commas(tmp_path: Path) -> None:
    environ = {"POSTROOM_SERVER__CORS_ORIGINS": "https://a.example.com, http://b.example.com:8080"}
    settings = load(tmp_path, SOUND, environ)
    assert settings.server.cors_origins == ["https://a.example.com", "http://b.example.com:8080"]


def test_a_wrong_list_in_the_environment_is_told_how_to_be_written(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, SOUND, {"POSTROOM_SERVER__ALLOWED_HOSTS": "https://a.example.com"})
    assert said == (
        "environment variable POSTROOM_SERVER__ALLOWED_HOSTS: must be a list of host names, without scheme and port; "
        "write for example POSTROOM_SERVER__ALLOWED_HOSTS=postroom.internal.example.com."
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_loopback_needs_no_leave(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, SOUND, server__host=host).server.host == host


@pytest.mark.parametrize(
    ("environ", "options"),
    [
        *(({"POSTROOM_SERVER__INSECURE": yes}, {}) for yes in ("true", "Yes", "1", "on")),
        ({}, {"server__insecure": True}),
    ],
)
def test_another_host_is_listened_on_when_told_so(
    tmp_path: Path, environ: Mapping[str, str], options: Mapping[str, Any]
) -> None:
    assert load(tmp_path, SOUND, environ, server__host="0.0.0.0", **options).server.host == "0.0.0.0"  # noqa: S104


def test_variables_of_other_programs_are_no_business_of_ours(tmp_path: Path) -> None:
    environ = {"POSTROOM_PORT": "tcp://192.0.2.1:80", "OTHER__TOKEN": "x"}  # what an orchestrator sets for a service
    assert load(tmp_path, SOUND, environ).server.port == 8000


def test_the_example_file_is_sound_and_shows_every_vendor(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for name in ("kashflow-password", "kashflow-memorable-word", "file-links.key"):
        (tmp_path / "secrets" / name).write_text(KEY)
    names = (
        "UK_BILLING_TOKEN",
        "KASHFLOW_USERNAME",
        "SMALLINVOICE_TOKEN",
        "INTACCT_CLIENT_ID",
        "INTACCT_CLIENT_SECRET",
    )
    redis = {"POSTROOM_REDIS": "redis://:x@cache.example.com"}
    # Every line that is a setting behind a # is as good as those that are not.
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    known = ("public_url", "insecure", "key", "page_cap", "base_url", "entity", "url", "expected_processes", "rate")
    auth = ("manifest", "requests_per_minute", "issuer", "audience", "jwks_url", "scopes_prefix", "all_backends")
    text = "\n".join(
        line.removeprefix("# ") if line.startswith(tuple(f"# {k} =" for k in known + auth)) else line for line in lines
    )
    path = tmp_path / "postroom.toml"
    path.write_text(text, encoding="utf-8")
    vendors = load_vendors()
    settings = load_settings(path, environ=dict.fromkeys(names, "x") | redis, vendors=vendors)
    assert {backend.vendor.name for backend in settings.backends} == vendors.keys()
    assert {backend.shares_codes for backend in settings.backends} == {"our-company"}
    assert settings.server.public_url == "https://postroom.example.com"
    assert settings.documents.manifest == tmp_path / "persisted-query-manifest.json"
    assert settings.redis.url == SecretStr("redis://:x@cache.example.com")
    assert (settings.redis.expected_processes, settings.backends[0].limits.rate) == (4, Rate(calls=100, seconds=60))


# ── Over emulators ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_over_emulators_every_vendor_is_a_backend_and_all_share_codes() -> None:
    vendors = {"big_acme": VENDORS["acme"]}
    settings = sandbox_settings(
        {"big_acme": "http://127.0.0.1:9/x"}, {"big_acme": {"token": "t0psecret"}}, vendors, ledger=Path("l")
    )
    (only,) = settings.backends
    assert (only.key, only.base_url, only.shares_codes) == ("big-acme", "http://127.0.0.1:9/x", "sandbox")
    assert token_of(settings) == "t0psecret"


def test_over_emulators_real_credentials_are_not_used_and_other_settings_are() -> None:
    environ = {"POSTROOM_CREDENTIAL__ACME__TOKEN": "real", "POSTROOM_LISTS__MAX_PAGE": "5"}
    settings = sandbox_settings(
        {"acme": "http://127.0.0.1:9"},
        {"acme": {"token": "t0psecret"}},
        VENDORS,
        ledger=Path("l"),
        environ=environ,
        overrides={"server.port": 7},
    )
    assert (token_of(settings), settings.lists.max_page, settings.server.port) == ("t0psecret", 5, 7)


# ── What is wrong ────────────────────────────────────────────────────────────────────────────────────────────────────

MISTAKES = Path(__file__).with_name("settings_mistakes.txt")


def mistakes() -> list[Any]:
    """Each block of the file: the configuration, and the sentences about it."""
    cases = []
    for block in MISTAKES.read_text(encoding="utf-8").split("\n\n")[1:]:
        lines = block.strip().split("\n")
        said = [line.removeprefix("=> ") for line in lines if line.startswith("=> ")]
        text = "\n".join(line for line in lines if not line.startswith("=> ")).replace("{sound}", SOUND)
        cases.append(pytest.param(text, said, id=text.replace(SOUND, "").replace("\n", " ")))
    return cases


@pytest.mark.parametrize(("text", "expected"), mistakes())
def test_a_mistake_is_named_with_its_place_and_what_to_write(tmp_path: Path, text: str, expected: list[str]) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfet0psecret")
    (tmp_path / "large").write_bytes(b"t0psecret" * 65_537)
    found = problems(tmp_path, text)
    assert found == expected
    assert "t0psecret" not in "\n".join(found)


def test_what_is_not_toml_is_named_with_its_line(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "[server]\nhost = t0psecret\n")
    assert re.fullmatch(
        r"postroom\.toml: is not TOML: [^;]+ \(at line 2, column \d+\); "
        r"strings stand in quotes, and a section begins with its name in brackets\.",
        said,
    )
    assert "t0psecret" not in said


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        (
            "POSTROOM_SERVER__PORT",
            "many",
            "must be a whole number from 0 to 65535 (0: any free port); write for example POSTROOM_SERVER__PORT=8000.",
        ),
        (
            "POSTROOM_SERVER__INSECURE",
            "perhaps",
            "must be true or false; write for example POSTROOM_SERVER__INSECURE=true.",
        ),
        ("POSTROOM_SEVER__PORT", "1", "is not known; did you mean POSTROOM_SERVER__PORT?"),
        (
            "POSTROOM_CREDENTIAL__UK__TOKN",
            "t0psecret",
            "is not known; did you mean POSTROOM_CREDENTIAL__UK__TOKEN?",
        ),
        ("POSTROOM_CREDENTIAL__UK__TOKEN", "", "is empty; set it to the secret, or not at all."),
        ("POSTROOM_CREDENTIAL__UK__TOKEN", "t0psecret and more", "a token has no space, and *** has."),
    ],
)
def test_a_mistake_in_the_environment_is_named_as_such(
    tmp_path: Path, variable: str, value: str, expected: str
) -> None:
    assert problems(tmp_path, SOUND, {variable: value}) == [f"environment variable {variable}: {expected}"]


def test_a_weak_key_in_the_environment_is_not_shown(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, SOUND, {"POSTROOM_FILES__KEY": "t0psecret"})
    assert said.endswith("write for example POSTROOM_FILES__KEY=SECRET.")
    assert "t0psecret" not in said


def test_a_mistake_in_an_option_is_named_as_such(tmp_path: Path) -> None:
    expected = (
        "option --port: must be a whole number from 0 to 65535 (0: any free port); write for example --port 8000."
    )
    assert problems(tmp_path, SOUND, server__port=-1) == [expected]


def test_variables_of_a_backend_that_cannot_be_read_are_not_judged(tmp_path: Path) -> None:
    environ = {"POSTROOM_CREDENTIAL__UK__TOKEN": "t0psecret"}
    found = problems(tmp_path, backend('key = "uk"\nvendor = "zzz"', ""), environ)
    assert found == ['postroom.toml: backends[0].vendor: "zzz" is no vendor; known here: acme, globex.']


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = (
        "[server]\nport = -1\n[lists]\nmax_page = 0\n"
        + backend('key = "UK"\nvendor = "acme"\ntimeout = -1\nbase_url = "x"', "")
        + backend('key = "b"\nvendor = "zzz"', "")
    )
    found = [problem.split(": ")[1] for problem in problems(tmp_path, text, {"POSTROOM_LIST__MAX_PAGE": "1"})]
    assert found == [
        "server.port",
        "lists.max_page",
        "backends[0].key",
        "backends[0].timeout",
        "backends[0].base_url",
        "backends[0].credentials.token",
        "backends[1].vendor",
        "is not known; did you mean POSTROOM_LISTS__MAX_PAGE?",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ={}, vendors=VENDORS)
    expected = f"{path}: cannot be read: No such file or directory; name another file with --config."
    assert caught.value.problems == (expected,)


def test_a_file_of_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "postroom.toml"
    path.write_bytes(b"# \xe9")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ={}, vendors=VENDORS)
    assert caught.value.problems == (f"{path}: byte 3 is not UTF-8; save the file as UTF-8.",)


@pytest.mark.parametrize(("expected", "told", "workers"), [(1, "", 1), (3, "", 3), (5, "expected_processes = 5", 3)])
def test_limits_are_shared_out_among_the_workers_unless_told_otherwise(
    tmp_path: Path, expected: int, told: str, workers: int
) -> None:
    settings = load(tmp_path, f"[redis]\n{told}\n{SOUND}")
    assert replace(settings, workers=workers).processes == expected


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "redis://:t0psecret@cache.example.com:6380/2",
        "rediss://cache.example.com/",
        "unix:///run/r",
    ],
)
def test_a_redis_is_named_by_its_url(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, f'[redis]\nurl = "{url}"\n{SOUND}').redis.url == SecretStr(url)


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    redis = '[redis]\nurl = "redis://:r3dis-secret@127.0.0.1"\n'
    settings = load(tmp_path, f'[files]\nkey = "{KEY}"\n' + redis + SOUND)
    assert token_of(settings) == "t0psecret"
    assert not any(secret in repr(settings) for secret in (KEY, "t0psecret", "r3dis-secret"))
