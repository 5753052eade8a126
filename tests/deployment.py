"""Reading what ``deploy/`` holds: the rendered chart, the compose file, the steps of the image."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tools.engines.catalog import OWN_PYTHON
from tools.engines.process import program

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "tintype"
KUBERNETES = "1.34"
LINTERS = str(OWN_PYTHON / "bin")

NEEDED = {
    "secrets.TINTYPE_SECRET": "c2VjcmV0",
    "secrets.TINTYPE_DATABASE__URL": "postgresql://tintype@db.example/tintype",
    "secrets.TINTYPE_REDIS__URL": "redis://cache.example:6379/0",
}


def render(values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """``helm template`` with these values; what it says when it refuses them is on stderr."""
    command = [program("helm"), "template", "photos", str(CHART)]
    command += ["--kube-version", f"{KUBERNETES}.0"]
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def refusals(path: Path) -> str:
    """What Kubernetes' own schemas have against the objects of a file; empty when nothing."""
    command = [program("kubernetes-validate", LINTERS), "-k", KUBERNETES, "--strict", "--quiet"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def variables_of(text: str) -> set[str]:
    """Every setting that a text names."""
    return {*re.findall(r"\bTINTYPE_[A-Z0-9_]*[A-Z0-9]\b", text)}


def instructions(stage: int) -> Iterator[tuple[str, str]]:
    """The instructions of one stage of the Dockerfile, as (word, rest)."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")]
    chosen = range(len(starts))[stage]
    end = starts[chosen + 1] if chosen + 1 < len(starts) else len(lines)
    for line in lines[starts[chosen] : end]:
        word, _, rest = line.partition(" ")
        yield word, " ".join(rest.split())
