"""What tests need around a gateway: the program, and upstreams that tell what reached them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.missing import missing
from tools.engines.nginx import Nginx
from tools.engines.process import EngineMissing, EngineProcess, answers, free_port, program

_NAMES = {"postgres": "PostgreSQL", "kafka": "Kafka", "redis-server": "Redis", "versitygw": "S3"}
ROOT = Path(__file__).resolve().parents[1]


class Upstream(EngineProcess):
    """One process in the place of an API process: it answers with what it was asked."""

    def __init__(self, name: str, folder: Path) -> None:
        self.port = free_port()
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        command = [sys.executable, "-m", "uvicorn", "tests.echo:app", "--no-access-log", *where]
        super().__init__(
            name, command, folder, environment={"PYTHONPATH": str(ROOT), "ECHO_NAME": name}
        )

    def begin(self) -> None:
        self.start(lambda: answers(self.port))

    @staticmethod
    def deaths(upstreams: list[Upstream]) -> int:
        """How many of them were asked for what kills them, over all their lives."""
        return sum(upstream.said().count("fatal request") for upstream in upstreams)


def need(name: str, lost: str, *places: str, there: bool | None = None) -> None:
    """Skip, loudly, without this program; in continuous integration, fail."""
    if there is None:
        try:
            program(name, *places)
        except EngineMissing:
            there = False
    if there is False:
        missing(_NAMES.get(name, name), lost)


@pytest.fixture(scope="session")
def nginx_there() -> None:
    need("nginx", "the gateway was not tested")


@pytest.fixture(scope="module")
def upstreams(
    nginx_there: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Upstream]]:
    folder = tmp_path_factory.mktemp("upstreams")
    opened = [Upstream(name, folder) for name in ("one", "two")]
    for upstream in opened:
        upstream.begin()
    yield opened
    for upstream in opened:
        upstream.kill()


@pytest.fixture(scope="module")
def gateway(upstreams: list[Upstream], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    servers = [f"127.0.0.1:{upstream.port}" for upstream in upstreams]
    opened = Nginx(tmp_path_factory.mktemp("gateway"), servers, rate=5000)
    opened.start()
    yield opened
    opened.kill()


def certify(folder: Path) -> None:
    """A certificate for 127.0.0.1 and its key, under the names that certificate tools give them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tintype test")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def logged(gateway: Nginx, text: str, patience_s: float = 5.0) -> str:
    """The line of the log that holds the text, waited for: nginx logs after it answers."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        for line in gateway.log.read_text(errors="replace").splitlines():
            if text in line:
                return line
        time.sleep(0.02)
    raise AssertionError(f"{text} is not in the log: {gateway.said()}")
