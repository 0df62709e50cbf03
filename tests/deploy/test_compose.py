"""The image, the compose file and the balancer's configuration: what linters say, and where they must agree."""

import asyncio
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.settings_read import read_with_secrets
from tests.deploy.tools import DEPLOY, ROOT, node_program, program, ran
from tests.gateway.server.endpoint import usual
from tests.gateway.serving import routes_of, serving
from tests.ports import reserved_ports

DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
SETTINGS = (DEPLOY / "postroom.toml").read_text(encoding="utf-8")
CADDYFILE = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_hadolint_finds_nothing_wrong_with_the_image() -> None:
    assert ran(program("hadolint"), "--failure-threshold", "style", DEPLOY / "Dockerfile") == ""


def test_dclint_finds_nothing_wrong_with_the_compose_file() -> None:
    ran(*node_program("dclint"), "--max-warnings", "0", ".", folder=DEPLOY)


def test_yamllint_finds_nothing_wrong() -> None:
    files = [path for path in DEPLOY.rglob("*.yaml") if "templates" not in path.parts]

    assert ran(program("yamllint"), "--strict", "--config-file", DEPLOY / ".yamllint.yaml", *files) == ""


def test_caddy_takes_its_configuration_as_it_would_write_it() -> None:
    ran(program("caddy"), "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile")

    assert ran(program("caddy"), "fmt", DEPLOY / "Caddyfile") == CADDYFILE


def test_the_settings_are_ones_that_the_gateway_takes(tmp_path: Path) -> None:
    settings = read_with_secrets(SETTINGS, "/run/secrets/", tmp_path, {})

    assert settings.processes == 2


def test_every_secret_that_the_settings_name_is_mounted(compose: Any) -> None:
    named = set(re.findall(r'"/run/secrets/([^"]+)"', SETTINGS))

    assert named == set(compose["services"]["gateway-a"]["secrets"])
    assert named < set(compose["secrets"])


def test_a_gateway_stops_by_itself_before_it_is_killed_and_is_left_before_it_goes(compose: Any) -> None:
    server = tomllib.loads(SETTINGS)["server"]
    interval = re.search(r"health_interval (\d+)s", CADDYFILE)
    assert interval is not None

    assert compose["services"]["gateway-a"]["stop_grace_period"] == f"{server['stop_seconds'] + 2}s"
    assert server["leave_seconds"] > 2 * int(interval[1])


def test_the_gateways_believe_the_balancer_for_whom_it_asks_and_nobody_else_reaches_them(compose: Any) -> None:
    for name in ("gateway-a", "gateway-b"):
        assert compose["services"][name]["environment"]["FORWARDED_ALLOW_IPS"] == "*"
        assert "ports" not in compose["services"][name]


def test_both_gateways_are_balanced(compose: Any) -> None:
    gateways = [f"{name}:8000" for name in compose["services"] if name.startswith("gateway-")]

    assert compose["services"]["balancer"]["environment"]["UPSTREAMS"].split() == gateways
    assert len(gateways) == 2


def test_nothing_is_published_beyond_this_machine(compose: Any) -> None:
    published = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}

    assert published == {"balancer": ["127.0.0.1:8080:8080"]}


async def test_the_health_check_says_whether_the_gateway_is_alive() -> None:
    found = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])\n", DOCKERFILE, re.DOTALL)
    assert found is not None
    _, *arguments = json.loads(found[1])

    def checked(port: str) -> int:
        command = [sys.executable, *(argument.replace("8000", port) for argument in arguments)]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode  # noqa: S603 - ours

    async with serving(routes_of(usual())) as address:
        alive = await asyncio.to_thread(checked, address.rpartition(":")[2])
    with reserved_ports(1) as (port,):
        dead = await asyncio.to_thread(checked, str(port))
    assert (alive, dead) == (0, 1)


def test_the_image_is_of_the_locked_packages_and_none_that_only_build() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^[a-z][^ ]*==[^ ]+", path.read_text(encoding="utf-8"), re.MULTILINE))

    image = pins(DEPLOY / "requirements.lock")

    assert image <= pins(ROOT / "requirements-dev.lock")
    assert {pin.partition("==")[0] for pin in image} & {"hatchling", "pip", "reportlab", "pytest"} == set()


def test_all_that_the_wheel_is_made_of_is_copied_and_not_ignored() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert [name for name in needed if f"COPY {name}/ {name}/" not in DOCKERFILE.splitlines()] == []
    assert [name for name in needed if f"!{name}/" not in ignored] == []


def test_the_final_stage_copies_the_installed_program_and_nothing_else() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.findall(r"^(?:COPY|ADD) .*$", final, re.MULTILINE) == ["COPY --from=build /opt/postroom /opt/postroom"]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["${UID}:${UID}"]
