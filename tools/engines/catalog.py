"""What the engines are made of: every program, where it comes from and how to see that it is there.

Versions are pinned here and nowhere else. No address of a registry is written down: each package
tool asks whatever it is configured to ask.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.engines.process import CACHE, EngineMissing, program

KAFKA = "4.2.0"
LOG4J = "2.24.3"
KAFKA_LIBRARIES = CACHE / "kafka" / "libs"
GO_AT_LEAST = (1, 25)
"""What versitygw asks for; the ``golang-go`` of Debian 12 is 1.19."""

OWN_PYTHON = CACHE / "python"
"""An environment of its own for tools that are packaged for Python."""


@dataclass(frozen=True)
class Package:
    """Programs of the system's package manager; ``services`` are what the package would start."""

    name: str
    programs: tuple[str, ...]
    services: tuple[str, ...] = ()

    def is_there(self) -> bool:
        return all(_found(name) for name in self.programs)


@dataclass(frozen=True)
class GoProgram:
    """A program that is built here, into the cache.

    ``quick`` builds it without optimisation, in two thirds of the time: for what runs for moments.
    """

    name: str
    module: str
    version: str
    builds: str
    quick: bool = False

    @property
    def path(self) -> Path:
        return CACHE / "bin" / self.name

    @property
    def stamp(self) -> Path:
        return CACHE / "bin" / f".{self.name}.version"

    def is_there(self) -> bool:
        return self.path.exists() and _read(self.stamp) == f"{self.module} {self.version}"


POSTGRESQL_FOLDERS = [f"/usr/lib/postgresql/{version}/bin" for version in range(18, 13, -1)]

PACKAGES = (
    Package("postgresql", ("postgres", "initdb", "psql"), ("postgresql",)),
    Package("redis-server", ("redis-server",), ("redis-server",)),
    Package("redis-tools", ("redis-cli",)),
    Package("nginx", ("nginx",), ("nginx",)),
    Package("default-jre-headless", ("java",)),
    Package("maven", ("mvn",)),
)
BUILT = (
    GoProgram("versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0", "versitygw"),
    GoProgram("toxiproxy-server", "github.com/Shopify/toxiproxy/v2/cmd/server", "v2.5.0", "server"),
)
HELM = GoProgram("helm", "helm.sh/helm/v3/cmd/helm", "v3.19.0", "helm", quick=True)
"""Renders the chart in tests; nothing else needs it."""


def kafka_is_there() -> bool:
    return (KAFKA_LIBRARIES / f"kafka-server-{KAFKA}.jar").exists()


def linters_are_there() -> bool:
    """Whether the linters of ``deploy/`` are there, as locked in ``requirements/deploy.txt``."""
    return all((OWN_PYTHON / "bin" / name).exists() for name in ("hadolint", "kubernetes-validate"))


def go() -> str | None:
    """A Go that is new enough, of the system or of the cache."""
    own = OWN_PYTHON / "bin" / "go"
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go", str(own)):
        if candidate is not None and _new_enough(candidate):
            return candidate
    return None


def _new_enough(candidate: str) -> bool:
    try:
        done = subprocess.run([candidate, "version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    said = re.search(r"go(\d+)\.(\d+)", done.stdout)
    return said is not None and (int(said[1]), int(said[2])) >= GO_AT_LEAST


def _found(name: str) -> bool:
    try:
        program(name, *POSTGRESQL_FOLDERS)
    except EngineMissing:
        return False
    return True


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
