"""``make engines``: installs what the fleet and the tests of the engines need, on Debian.

Done twice it does nothing the second time. What is built or fetched stays in the cache folder
(``TINTYPE_ENGINES``, else ``~/.cache/tintype/engines``). System packages need root; without it the
command to run is printed. Services that a package would start are not started and not enabled.
``--all`` adds the linters of ``deploy/``, ``--check`` only says what is there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.engines import catalog
from tools.engines.catalog import GoProgram
from tools.engines.process import CACHE

ROOT = Path(__file__).resolve().parents[2]
_POLICY = Path("/usr/sbin/policy-rc.d")
_DENY = "#!/bin/sh\n# Nothing is started while make engines installs.\nexit 101\n"
_POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>tintype</groupId>
  <artifactId>engines-kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
)
_JARS = (
    ("org.apache.kafka", "kafka_2.13", catalog.KAFKA),
    ("org.apache.kafka", "kafka-tools", catalog.KAFKA),
    ("org.apache.logging.log4j", "log4j-slf4j-impl", catalog.LOG4J),
    ("org.apache.logging.log4j", "log4j-core", catalog.LOG4J),
)
_APT = ("apt-get", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300")
_TRIES = 4
_PAUSE_S = 3.0
_LONGEST_S = 1800
_BEGAN = time.monotonic()
_TALK = threading.Lock()


class StepFailed(Exception):  # noqa: N818 - it reads as what it says
    """One part could not be installed; the message says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Install what is missing, or with ``--check`` list it; returns the exit status."""
    everything = "--all" in arguments
    if "--check" in arguments:
        return _check(everything=everything)
    (CACHE / "bin").mkdir(parents=True, exist_ok=True)
    # What waits on the network runs beside what needs the processors.
    lines: list[Callable[[], None]] = [_packages_then_kafka, _build_all]
    if everything:
        lines = [lines[0], lambda: _build_all(catalog.HELM), _linters]
    with ThreadPoolExecutor(len(lines)) as pool:
        failed = [failure for failure in pool.map(_attempt, lines) if failure]
    for failure in failed:
        _say(f"NOT INSTALLED: {failure}")
    return _check(everything=everything) or (1 if failed else 0)


def _attempt(line: Callable[[], None]) -> str | None:
    try:
        line()
    except StepFailed as failure:
        return str(failure)
    return None


def _check(*, everything: bool) -> int:
    there = {package.name: package.is_there() for package in catalog.PACKAGES}
    there["kafka"] = catalog.kafka_is_there()
    there |= {built.name: built.is_there() for built in catalog.BUILT}
    if everything:
        there["helm"] = catalog.HELM.is_there()
        there["linters of deploy/"] = catalog.linters_are_there()
    for name, found in there.items():
        print(f"{'there  ' if found else 'MISSING'}  {name}", flush=True)
    return 0 if all(there.values()) else 1


# System packages


def _packages_then_kafka() -> None:
    missing = [package for package in catalog.PACKAGES if not package.is_there()]
    if missing:
        _install_packages(missing)
    if not catalog.kafka_is_there():
        _fetch_kafka()


def _install_packages(missing: Sequence[catalog.Package]) -> None:
    names = [package.name for package in missing]
    command = [*_APT, "install", "-y", "-qq", "--no-install-recommends", *names]
    if shutil.which("apt-get") is None:
        raise StepFailed(f"no apt-get here; install by hand what holds {', '.join(names)}")
    if os.geteuid() != 0:
        raise StepFailed(f"system packages need root: sudo {' '.join(command)}")
    with _step(f"packages {' '.join(names)}"), _nothing_starts():
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        _run([*_APT, "update", "-qq"], environment, tries=_TRIES)
        _run(command, environment, tries=_TRIES)
    # Only what came just now: a service that ran here before is somebody's.
    for service in [service for package in missing for service in package.services]:
        if Path("/run/systemd/system").is_dir():
            _run(["systemctl", "disable", "--now", service], may_fail=True)


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Debian asks this file before a package starts its service."""
    own = not _POLICY.exists()
    if own:
        _POLICY.write_text(_DENY)
        _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if own:
            _POLICY.unlink(missing_ok=True)


# Kafka


def _fetch_kafka() -> None:
    maven = shutil.which("mvn")
    if maven is None or shutil.which("java") is None:
        raise StepFailed("Kafka needs java (17 or newer) and mvn; install them and run it again")
    with _step(f"Kafka {catalog.KAFKA}"), tempfile.TemporaryDirectory() as folder:
        jars = "".join(_DEPENDENCY.format(*jar) for jar in _JARS)
        Path(folder, "pom.xml").write_text(_POM.format(dependencies=jars))
        # Into a folder beside it and moved whole: half a set of jars must not look installed.
        fresh = catalog.KAFKA_LIBRARIES.with_name("libs.new")
        shutil.rmtree(fresh, ignore_errors=True)
        copy = [maven, "--batch-mode", "--quiet", "dependency:copy-dependencies"]
        _run([*copy, f"-DoutputDirectory={fresh}"], where=folder, tries=_TRIES)
        shutil.rmtree(catalog.KAFKA_LIBRARIES, ignore_errors=True)
        fresh.rename(catalog.KAFKA_LIBRARIES)


# Programs in Go


def _build_all(*more: GoProgram) -> None:
    missing = [program for program in (*catalog.BUILT, *more) if not program.is_there()]
    if not missing:
        return
    go = catalog.go() or _fetch_go()
    for program in missing:
        with _step(f"building {program.name} {program.version}"):
            _build(go, program)


def _fetch_go() -> str:
    least = ".".join(map(str, catalog.GO_AT_LEAST))
    with _step(f"Go, for there is none from {least} on (Debian's golang-go is older)"):
        _install_python("go")
    found = catalog.go()
    if found is None:
        raise StepFailed(f"no Go from {least} on; install one and run it again")
    return found


def _build(go: str, program: GoProgram) -> None:
    flags = ["-trimpath", "-ldflags=-s -w"]
    if program.quick:
        flags.append("-gcflags=all=-N -l")
    with tempfile.TemporaryDirectory() as folder:
        environment = {"GOBIN": folder, "CGO_ENABLED": "0"}
        wanted = f"{program.module}@{program.version}"
        _run([go, "install", *flags, wanted], environment, tries=_TRIES)
        # Across file systems a move is a copy: done beside the place, then put there at once.
        fresh = program.path.with_name(f".{program.name}.new")
        shutil.move(Path(folder, program.builds), fresh)
        fresh.rename(program.path)
    program.stamp.write_text(f"{program.module} {program.version}\n")


# Programs packaged for Python


def _linters() -> None:
    if not catalog.linters_are_there():
        with _step("linters of deploy/"):
            _install_python("deploy")


_PYTHON = threading.Lock()


def _install_python(set_: str) -> None:
    """Install a locked set of ``requirements/`` into the environment of the cache."""
    with _PYTHON:
        python = catalog.OWN_PYTHON / "bin" / "python"
        if not python.exists():
            _run([sys.executable, "-m", "venv", str(catalog.OWN_PYTHON)])
        locked = ["--require-hashes", "-r", str(ROOT / "requirements" / f"{set_}.txt")]
        quiet = ["--quiet", "--disable-pip-version-check"]
        _run([str(python), "-m", "pip", "install", *quiet, *locked], tries=_TRIES)


# Talking and running


@contextlib.contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    _say(f"{name} …")
    yield
    _say(f"{name}: done in {time.monotonic() - began:.0f} s")


def _say(line: str) -> None:
    with _TALK:
        print(f"[{time.monotonic() - _BEGAN:4.0f} s] {line}", flush=True)


def _run(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    where: str | None = None,
    may_fail: bool = False,
    tries: int = 1,
) -> None:
    """Run it; what depends on the network is tried again, each time after a longer pause."""
    name = " ".join(command[:4])
    for left in reversed(range(tries)):
        failed = _failure(command, environment, where)
        if failed is None or may_fail:
            return
        if left:
            pause = _PAUSE_S * 3 ** (tries - 1 - left)
            _say(f"{name} … failed and is tried again in {pause:.0f} s: {failed[-200:].strip()}")
            time.sleep(pause)
    raise StepFailed(f"{name} … failed:\n{failed}")


def _failure(
    command: Sequence[str], environment: Mapping[str, str] | None, where: str | None
) -> str | None:
    """The end of what a command printed that failed; None when it did not."""
    try:
        done = subprocess.run(
            command,
            cwd=where,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LONGEST_S,
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {_LONGEST_S} s"
    return done.stdout[-3000:] if done.returncode else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
