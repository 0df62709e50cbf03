"""The chart: what Helm says of it, and what it renders."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.settings_read import read_with_secrets
from tests.deploy.tools import DEPLOY, helm_in, ran

CHART = DEPLOY / "helm" / "postroom"
EVERYTHING = CHART / "ci" / "everything.yaml"
OLDEST, NEWEST = "1.27", "1.37"
"""What `kubeVersion` begins with, and the newest that there are schemas of."""

Render = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helm_in(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="module")
def render(helm: Path) -> Render:
    """What the chart renders with these options, object by object."""

    def rendered(*options: str | Path) -> list[dict[str, Any]]:
        text = ran(helm, "template", "post", CHART, *options)
        return [one for one in yaml.safe_load_all(text) if one]

    return rendered


def of_kind(objects: list[dict[str, Any]], kind: str) -> Any:
    (found,) = [one for one in objects if one["kind"] == kind]
    return found


@pytest.mark.parametrize("options", [(), ("--values", EVERYTHING)], ids=["usual", "everything"])
def test_helm_finds_nothing_wrong(helm: Path, options: tuple[str | Path, ...]) -> None:
    assert "0 chart(s) failed" in ran(helm, "lint", "--strict", CHART, *options)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("options", [(), ("--values", EVERYTHING)], ids=["usual", "everything"])
def test_what_it_renders_is_what_kubernetes_knows(
    render: Render, options: tuple[str | Path, ...], version: str
) -> None:
    objects = render(*options)

    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)
    assert {one["kind"] for one in objects} >= {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget"}


def test_everything_that_is_off_can_be_had(render: Render) -> None:
    more = {one["kind"] for one in render("--values", EVERYTHING)} - {one["kind"] for one in render()}

    assert more == {"Ingress", "NetworkPolicy"}


def test_it_makes_no_secret_and_refers_to_the_one_that_is_named(render: Render) -> None:
    objects = render("--set", "existingSecret=ours")

    assert [one for one in objects if one["kind"] == "Secret"] == []
    volumes = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == ["ours"]


def test_a_pod_is_the_restricted_kind(render: Render) -> None:
    pod = of_kind(render(), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_an_ingress_takes_the_addresses_of_its_proxies(render: Render) -> None:
    with pytest.raises(AssertionError, match="trustedProxies: the addresses of the ingress's proxies"):
        render("--set", "ingress.enabled=true")
    pod = of_kind(render("--values", EVERYTHING), "Deployment")["spec"]["template"]["spec"]
    environment = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}

    assert environment["FORWARDED_ALLOW_IPS"] == "10.244.0.0/16"


def test_it_stops_by_itself_before_it_is_killed(render: Render) -> None:
    pod = of_kind(render("--set", "terminationGracePeriodSeconds=90"), "Deployment")["spec"]["template"]["spec"]
    environment = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}

    assert pod["terminationGracePeriodSeconds"] == 90
    assert environment["POSTROOM_SERVER__STOP_SECONDS"] == "88"


def test_it_leaves_no_earlier_than_readiness_has_been_looked_at_twice(render: Render) -> None:
    pod = of_kind(render(), "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment = {one["name"]: one.get("value") for one in container["env"]}

    assert container["readinessProbe"]["failureThreshold"] == 1
    assert int(environment["POSTROOM_SERVER__LEAVE_SECONDS"]) >= 2 * container["readinessProbe"]["periodSeconds"]


def test_its_configuration_is_one_that_the_gateway_takes(render: Render, tmp_path: Path) -> None:
    objects = render("--values", EVERYTHING)
    text = of_kind(objects, "ConfigMap")["data"]["postroom.toml"]
    container = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    environment = {one["name"]: one["value"] for one in container["env"]}

    settings = read_with_secrets(text, "/var/run/postroom/", tmp_path, environment)

    assert (settings.server.host, settings.server.stop_seconds) == ("0.0.0.0", 28)  # noqa: S104 - in its pod
    assert tomllib.loads(text)["redis"]["expected_processes"] == of_kind(objects, "Deployment")["spec"]["replicas"]
