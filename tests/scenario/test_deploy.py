"""What ``deploy/`` ships is linted, rendered and checked; no container was ever started for it."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import deployment
from tests.deployment import CHART, DEPLOY, NEEDED, ROOT
from tests.engines_nginx import need
from tintype.entry.roles import Concern
from tools.engines import shield
from tools.engines.nginx import TEMPLATE
from tools.engines.process import free_port, program
from tools.reference import code

pytestmark = pytest.mark.slow
LOST = "the chart was not rendered"
OWN_KINDS = {"Deployment", "Job"}


@pytest.fixture(scope="module")
def chart() -> list[dict[str, Any]]:
    """Every object of the chart, with everything switched on."""
    need("helm", LOST)
    done = deployment.render(NEEDED | {"keda.enabled": "true", "ingress.enabled": "true"})
    assert done.returncode == 0, done.stderr
    return deployment.documents(done.stdout)


@pytest.fixture(scope="module")
def settings() -> set[str]:
    return {row.variable for _, _, rows in code.settings() for row in rows}


def test_the_dockerfile_passes_its_linter() -> None:
    need("hadolint", "the Dockerfile was not linted", deployment.LINTERS)
    command = [program("hadolint", deployment.LINTERS), str(DEPLOY / "Dockerfile")]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_nobody_special_and_says_how_it_is() -> None:
    last = dict(deployment.instructions(-1))

    assert last["USER"] == "10001:10001"
    assert "/livez" in last["HEALTHCHECK"]
    libraries = " ".join(rest for _, rest in deployment.instructions(1))
    assert "--require-hashes -r /requirements/runtime.txt" in libraries


def test_the_files_of_the_image_are_enough_to_serve_a_page(tmp_path: Path) -> None:
    """The last stage's copies, with this clone's libraries in the place of the image's own."""
    image, data = tmp_path / "image", tmp_path / "data"
    for word, rest in deployment.instructions(-1):
        source, target = rest.rpartition(" ")[::2] if word == "COPY" else ("", "")
        if word == "COPY" and target.startswith("/opt/tintype/"):
            found = ROOT / source.rpartition(" ")[2].removeprefix("/build/")
            shutil.copytree(found, image / target.removeprefix("/opt/tintype/"))
    port = free_port()
    checks = dict(deployment.instructions(-1))["HEALTHCHECK"].partition("CMD ")[2]
    check = [sys.executable, *json.loads(checks)[1:]]
    check[-1] = check[-1].replace(":8000", f":{port}")
    own = {"PYTHONPATH": str(image), "TINTYPE_DATA": str(data)}
    server = subprocess.Popen(
        [sys.executable, "-m", "tintype", "serve"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "TINTYPE_BIND": f"127.0.0.1:{port}", **own},
        stderr=(tmp_path / "log").open("w"),
    )
    try:
        assert _comes_to_pass(check), (tmp_path / "log").read_text()
        page = subprocess.run(
            ["curl", "-fsS", f"http://127.0.0.1:{port}/"],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        server.terminate()
        server.wait(30)

    assert subprocess.run(check, capture_output=True, check=False).returncode != 0
    assert "/assets/" in page.stdout


def test_the_chart_passes_its_linter() -> None:
    need("helm", LOST)
    command = [program("helm"), "lint", str(CHART), "--strict"]
    for name, value in NEEDED.items():
        command += ["--set", f"{name}={value}"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"keda.enabled": "true", "ingress.enabled": "true"},
        {"existingSecret": "mine", "networkPolicy.enabled": "false"},
        {"shield.enabled": "true"},
        {"shield.enabled": "true", "ingress.enabled": "true", "networkPolicy.enabled": "false"},
        {"api.autoscaling.enabled": "false", "image.pullSecrets[0].name": "registry"},
    ],
)
def test_kubernetes_knows_every_field_of_the_rendered_chart(
    tmp_path: Path, values: dict[str, str]
) -> None:
    need("helm", LOST)
    need("kubernetes-validate", LOST, deployment.LINTERS)
    rendered = tmp_path / "rendered.yaml"
    done = deployment.render(NEEDED | values)
    rendered.write_text(done.stdout)

    assert done.returncode == 0, done.stderr
    assert deployment.refusals(rendered) == ""


def test_a_field_that_kubernetes_does_not_know_would_be_refused(tmp_path: Path) -> None:
    need("helm", LOST)
    need("kubernetes-validate", LOST, deployment.LINTERS)
    rendered = tmp_path / "rendered.yaml"
    text = deployment.render(NEEDED).stdout
    rendered.write_text(text.replace("maxUnavailable: 1", "maxUnavailabel: 1"))

    assert "maxUnavailabel" in deployment.refusals(rendered)


def test_a_chart_without_its_secrets_says_which_one_is_missing() -> None:
    need("helm", LOST)

    done = deployment.render({})

    assert done.returncode != 0
    assert "secrets.TINTYPE_SECRET, or existingSecret" in done.stderr


def test_every_container_is_confined_and_has_its_room(chart: list[dict[str, Any]]) -> None:
    found = list(_templates(chart))

    assert len(found) == 6
    for each in found:
        [container] = each["containers"]
        confined = container["securityContext"]
        assert each["securityContext"]["runAsNonRoot"] is True
        assert each["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        assert each["automountServiceAccountToken"] is False
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"]["drop"] == ["ALL"]
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        assert not container["image"].endswith(("latest", ":"))


def test_every_deployment_is_probed_spread_and_not_evicted_all_at_once(
    chart: list[dict[str, Any]],
) -> None:
    budgets = [_labels(each) for each in _of(chart, "PodDisruptionBudget")]

    deployments = list(_of(chart, "Deployment"))
    assert len(deployments) == 5
    for each in deployments:
        template = each["spec"]["template"]
        [container] = template["spec"]["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
        assert _labels(each).items() <= template["metadata"]["labels"].items()
        assert _labels(each) in budgets
        assert template["spec"]["terminationGracePeriodSeconds"] > 30


def test_the_service_finds_the_api_and_nothing_else(chart: list[dict[str, Any]]) -> None:
    [service] = _of(chart, "Service")
    selector = service["spec"]["selector"]

    found = [
        each["metadata"]["name"]
        for each in _of(chart, "Deployment")
        if selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()
    ]

    assert found == ["photos-api"]


def test_the_workers_of_the_chart_look_after_every_concern_once(
    chart: list[dict[str, Any]],
) -> None:
    looked_after = [
        concern
        for each in _templates(chart)
        for container in each["containers"]
        if container.get("args", [""])[0] == "worker"
        for concern in container["args"][2].split(",")
    ]

    assert sorted(looked_after) == sorted(Concern)


def test_what_is_scaled_exists_and_so_do_the_figures_it_is_scaled_by(
    chart: list[dict[str, Any]],
) -> None:
    names = {each["metadata"]["name"] for each in _of(chart, "Deployment")}
    scaled = list(_of(chart, "ScaledObject"))
    figures = (ROOT / "tintype" / "admin" / "service" / "metrics.py").read_text()

    assert len(scaled) == 3
    for each in scaled:
        [trigger] = each["spec"]["triggers"]
        asked = re.findall(r"tintype_(\w+)", trigger["metadata"]["query"])
        assert each["spec"]["scaleTargetRef"]["name"] in names
        assert asked
        assert [name for name in asked if f'"{name}"' not in figures] == []


def test_every_setting_that_deployments_name_is_one(settings: set[str]) -> None:
    """Those that the compose file only fills in are of its own."""
    named = deployment.variables_of((DEPLOY / "compose.yaml").read_text())
    named |= deployment.variables_of((CHART / "values.yaml").read_text())
    named |= deployment.variables_of((CHART / "templates" / "configmap.yaml").read_text())

    assert sorted(named - settings) == []


def test_the_services_of_the_compose_file_are_confined_and_wait_for_what_they_need() -> None:
    services = deployment.load(DEPLOY / "compose.yaml")["services"]
    own = {name: each for name, each in services.items() if each["image"].startswith("tintype:")}

    assert [
        name for name, each in services.items() if {*each.get("depends_on", {})} - {*services}
    ] == []
    assert sorted(own) == sorted(
        ["api-1", "api-2", "migrate", "relay", "worker-feed", "worker-media", "worker-rest"]
    )
    for each in own.values():
        assert each["read_only"] is True
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
    assert [name for name, each in services.items() if ":latest" in each["image"]] == []


def test_the_workers_of_the_compose_file_look_after_every_concern_once() -> None:
    services = deployment.load(DEPLOY / "compose.yaml")["services"]

    looked_after = [
        concern
        for each in services.values()
        if each.get("command", [""])[0] == "worker"
        for concern in each["command"][2].split(",")
    ]

    assert sorted(looked_after) == sorted(Concern)


@pytest.mark.parametrize(("name", "template"), [("gateway", TEMPLATE), ("shield", shield.TEMPLATE)])
def test_the_compose_file_fills_in_every_name_of_a_template(name: str, template: Path) -> None:
    service = deployment.load(DEPLOY / "compose.yaml")["services"][name]
    asked = {*re.findall(r"\$\{([A-Z_]+)\}", template.read_text())}

    assert asked == service["environment"].keys()


def test_the_shield_of_the_compose_file_runs_only_when_asked_for() -> None:
    services = deployment.load(DEPLOY / "compose.yaml")["services"]

    assert [name for name, each in services.items() if "profiles" in each] == ["shield"]
    assert [name for name, each in services.items() if "shield" in each.get("depends_on", {})] == []


@pytest.fixture(scope="module")
def shielded() -> list[dict[str, Any]]:
    """Every object of the chart with a shield."""
    need("helm", LOST)
    done = deployment.render(NEEDED | {"shield.enabled": "true", "ingress.enabled": "true"})
    assert done.returncode == 0, done.stderr
    return deployment.documents(done.stdout)


def _named(chart: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    [found] = [each for each in _of(chart, kind) if each["metadata"]["name"] == name]
    return found


def test_the_chart_has_a_shield_only_where_it_is_switched_on(chart: list[dict[str, Any]]) -> None:
    assert [each["kind"] for each in chart if "shield" in each["metadata"]["name"]] == []
    assert "TINTYPE_MEDIA__ORIGIN" not in _named(chart, "ConfigMap", "photos")["data"]


def test_with_a_shield_every_file_is_named_by_its_host(shielded: list[dict[str, Any]]) -> None:
    origin = _named(shielded, "ConfigMap", "photos")["data"]["TINTYPE_MEDIA__ORIGIN"]
    [rule] = _named(shielded, "Ingress", "photos-shield")["spec"]["rules"]
    [path] = rule["http"]["paths"]
    service = _named(shielded, "Service", path["backend"]["service"]["name"])
    template = _named(shielded, "Deployment", "photos-shield")["spec"]["template"]

    assert origin == f"https://{rule['host']}"
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()


def test_the_shield_of_the_chart_is_confined_and_may_call_the_api_alone(
    shielded: list[dict[str, Any]],
) -> None:
    template = _named(shielded, "Deployment", "photos-shield")["spec"]["template"]
    policy = _named(shielded, "NetworkPolicy", "photos-shield")["spec"]
    api = _named(shielded, "Deployment", "photos-api")["spec"]["template"]["metadata"]["labels"]
    [container] = template["spec"]["containers"]

    assert template["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert "memory" in container["resources"]["limits"]
    assert policy["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    [to] = [rule["to"] for rule in policy["egress"] if "to" in rule]
    assert to[0]["podSelector"]["matchLabels"].items() <= api.items()
    # What Tintype's own pods may call, the engines, is not for the shield.
    own = _named(shielded, "NetworkPolicy", "photos")["spec"]
    assert not own["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert policy["podSelector"] in [each.get("podSelector") for each in own["ingress"][1]["from"]]


def test_nginx_takes_the_shield_of_the_chart(
    nginx_there: None, shielded: list[dict[str, Any]], tmp_path: Path
) -> None:
    """With folders of this test in the place of the container's, and no name to look up."""
    data = _named(shielded, "ConfigMap", "photos-shield")["data"]
    (tmp_path / "extra").mkdir()
    for name, folder in (("nginx.conf", ""), ("shield.conf", ""), ("extra.conf", "extra")):
        text = data[name].replace("/etc/tintype", str(tmp_path)).replace("/tmp/", f"{tmp_path}/")
        text = text.replace("/cache/", f"{tmp_path}/").replace(
            "server photos:80", "server 127.0.0.1:80"
        )
        (tmp_path / folder / name).write_text(text)
    command = [program("nginx"), "-t", "-q", "-p", str(tmp_path), "-c", f"{tmp_path}/nginx.conf"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "${" not in "".join(data.values())
    assert "set_real_ip_from" in (tmp_path / "extra" / "extra.conf").read_text()


def _templates(chart: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in chart:
        if each["kind"] in OWN_KINDS:
            yield each["spec"]["template"]["spec"]


def _of(chart: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (each for each in chart if each["kind"] == kind)


def _labels(each: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = each["spec"]["selector"]["matchLabels"]
    return labels


def _comes_to_pass(check: list[str]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if subprocess.run(check, capture_output=True, check=False).returncode == 0:
            return True
        time.sleep(0.1)
    return False
