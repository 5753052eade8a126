"""Which engines and roles a fleet is made of, where each has its data and its port."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tools.engines.kafka import KafkaBroker
from tools.engines.nginx import Nginx
from tools.engines.postgres import PostgresServer
from tools.engines.process import EngineProcess
from tools.engines.redis import RedisCluster
from tools.engines.s3 import ACCESS_KEY, REGION, SECRET_KEY, S3Server
from tools.fleet.part import Part
from tools.fleet.state import FleetError, State

ROOT = Path(__file__).resolve().parents[2]
APIS = 2
WORKERS = {
    "worker-feed": "fan-out,counters",
    "worker-media": "media",
    "worker-rest": "notifications,housekeeping",
}
_REDIS_NODES = 3
_RATE = 100
_START_S = 150.0
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_BUCKET = "tintype"
_EVERYBODY_ENTERS = 0o001
_ENGINES, _RELAY, _WORKERS, _API, _GATEWAY = range(5)

REDIS_PORTS = tuple(f"redis-{number}" for number in range(1, _REDIS_NODES + 1))
_API_NAMES = tuple(f"api-{number}" for number in range(1, APIS + 1))
PORTS = ("postgresql", "kafka", "s3", *REDIS_PORTS, *_API_NAMES, *WORKERS, "relay")
"""Everything that has a port to be remembered."""
SETTINGS = "fleet.env"
"""The file with what every role is set to."""


@dataclass(frozen=True)
class Place:
    """Where the fleet listens, where its data is and what the operator set besides."""

    bind: str
    data: Path
    variables: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Place:
        """What ``TINTYPE_BIND`` and ``TINTYPE_DATA`` say; the rest goes on to the roles."""
        bind = environment.get("TINTYPE_BIND", "127.0.0.1:8000")
        data = Path(environment.get("TINTYPE_DATA", "data/fleet")).absolute()
        # TINTYPE_ENGINES is for the launchers; the roles would call it a misspelt setting.
        own = {"TINTYPE_BIND", "TINTYPE_DATA", "TINTYPE_ENGINES"}
        return cls(bind, data, {k: v for k, v in environment.items() if k not in own})

    @property
    def address(self) -> str:
        """Where a person on this machine opens it in a browser."""
        host, _, port = self.bind.rpartition(":")
        return f"http://{'localhost' if host in {*_LOCAL, '0.0.0.0', '[::]'} else host}:{port}"  # noqa: S104 - compared


def engines(place: Place, state: State) -> list[Part]:
    """PostgreSQL, Redis Cluster, Kafka and the S3 server, on what their folders hold.

    Raises:
        EngineMissing: something is not installed.
        FleetError: PostgreSQL could not reach its folder.
    """
    _let_postgresql_in(place.data)
    _forget_unfinished_cluster(place.data / "postgresql" / "cluster")
    ports = state.ports
    postgres = PostgresServer(place.data / "postgresql", ports["postgresql"])
    kafka = KafkaBroker(place.data / "kafka", ports["kafka"], brief=True)
    s3 = S3Server(place.data / "s3", ports["s3"])
    redis_folder = place.data / "redis"
    if state.moved & {*REDIS_PORTS} or not (redis_folder / "formed").exists():
        # Nodes that were never joined, or that know each other by ports which are gone. All that
        # Redis holds is made again from the database.
        shutil.rmtree(redis_folder, ignore_errors=True)
    redis = RedisCluster(
        redis_folder, replicas=0, node_timeout_ms=5000, ports=[ports[name] for name in REDIS_PORTS]
    )
    nodes = ",".join(str(ports[name]) for name in REDIS_PORTS)
    return [
        Part(
            "postgresql",
            postgres,
            lambda: postgres.running,
            _ENGINES,
            f"port {postgres.port}",
        ),
        Part("redis", redis, lambda: _all_run(redis), _ENGINES, f"ports {nodes}"),
        Part("kafka", kafka, lambda: kafka.running, _ENGINES, f"port {kafka.port}"),
        Part("s3", s3, lambda: s3.running, _ENGINES, s3.endpoint),
    ]


def roles(place: Place, state: State) -> list[Part]:
    """The API processes, the workers and the relay, each with a port for its health and figures."""
    variables = settings(place, state)
    parts = [_role(place, state, variables, name, ["api"], _API) for name in _API_NAMES]
    parts += [
        _role(place, state, variables, name, ["worker", "--only", concerns], _WORKERS)
        for name, concerns in WORKERS.items()
    ]
    parts.append(_role(place, state, variables, "relay", ["relay"], _RELAY))
    return parts


def gateway(place: Place, state: State) -> Part:
    """The nginx in front of the API processes, on the address of the fleet."""
    factor = float(place.variables.get("TINTYPE_RATE_LIMITS__FACTOR", "1"))
    nginx = Nginx(
        place.data / "gateway",
        [f"127.0.0.1:{state.ports[name]}" for name in _API_NAMES],
        bind=place.bind,
        rate=max(1, round(_RATE * factor)),
    )
    return Part(
        "gateway", nginx, lambda: nginx.running, _GATEWAY, f"http://{place.bind}", log=nginx.log
    )


def settings(place: Place, state: State) -> dict[str, str]:
    """The environment of every role, but for its own port."""
    ports = state.ports
    nodes = ",".join(f"127.0.0.1:{ports[name]}" for name in REDIS_PORTS)
    chosen: dict[str, str] = {
        "PYTHONPATH": str(ROOT),
        "TINTYPE_CONFIG": str(Path("tintype.toml").absolute()),
        "TINTYPE_DATA": str(place.data / "tintype"),
        "TINTYPE_SECRET": state.secret,
        "TINTYPE_TRUST_PROXY": "true",
        "TINTYPE_DATABASE__URL": f"postgresql://postgres@127.0.0.1:{ports['postgresql']}/tintype",
        "TINTYPE_REDIS__URL": f"redis+cluster://{nodes}",
        "TINTYPE_KAFKA__BOOTSTRAP": f"127.0.0.1:{ports['kafka']}",
        "TINTYPE_S3__ENDPOINT": f"http://127.0.0.1:{ports['s3']}",
        "TINTYPE_S3__BUCKET": _BUCKET,
        "TINTYPE_S3__REGION": REGION,
        "TINTYPE_S3__ACCESS_KEY": ACCESS_KEY,
        "TINTYPE_S3__SECRET_KEY": SECRET_KEY,
        "TINTYPE_S3__PATH_STYLE": "true",
    }
    return {**place.variables, **chosen}


def write_settings(place: Place, state: State) -> Path:
    """Write the settings of every role to ``fleet.env``, for a shell; returns the file.

    Only what differs from an embedded server is in it, so it is also a list of what to set by hand.
    """
    path = place.data / SETTINGS
    chosen = settings(place, state)
    lines = [
        f"{name}={shlex.quote(value)}\n"
        for name, value in sorted(chosen.items())
        if name.startswith("TINTYPE_") and name != "TINTYPE_CONFIG"
    ]
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(lines))
    fresh.rename(path)
    return path


def offered_setup(part: Part, begins: int) -> str | None:
    """The path of the set-up address that this role printed after ``begins`` bytes of its log."""
    if part.log is None or not part.log.exists():
        return None
    said = part.log.read_bytes()[begins:].decode(errors="replace")
    found = re.findall(r"/setup\?token=\S+", said)
    return found[-1] if found else None


def command(*words: str) -> list[str]:
    """``tintype …`` of this very clone."""
    return [sys.executable, "-m", "tintype", *words]


class _RoleProcess:
    """One process of Tintype, ready when its port says so."""

    def __init__(self, process: EngineProcess, port: int) -> None:
        self.process = process
        self._ready = f"http://127.0.0.1:{port}/readyz"

    def start(self) -> None:
        self.process.start(lambda: _is_ok(self._ready), patience_s=_START_S)

    def stop(self) -> None:
        """Drain: what runs is finished, leases are handed back."""
        self.process.stop(patience_s=30.0)

    def kill(self) -> None:
        self.process.kill()


def _role(
    place: Place,
    state: State,
    variables: Mapping[str, str],
    name: str,
    words: list[str],
    stage: int,
) -> Part:
    port = state.ports[name]
    own = {**variables, "TINTYPE_BIND": f"127.0.0.1:{port}"}
    process = EngineProcess(name, command(*words), place.data / "roles", environment=own)
    server = _RoleProcess(process, port)
    return Part(
        name, server, lambda: process.running, stage, f"http://127.0.0.1:{port}", log=process.log
    )


def _is_ok(address: str) -> bool:
    try:
        with urlopen(address, timeout=1.0) as answer:  # noqa: S310 - our own process
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except OSError:
        return False


def _all_run(redis: RedisCluster) -> bool:
    return all(node.process.running for node in redis.nodes)


def _forget_unfinished_cluster(cluster: Path) -> None:
    """Remove what a fleet left that was killed while PostgreSQL made its cluster.

    The first start of a server writes its options into the cluster: without them none ever served
    it, and nothing was ever stored there.
    """
    if cluster.exists() and not (cluster / "postmaster.opts").exists():
        shutil.rmtree(cluster)


def _let_postgresql_in(folder: Path) -> None:
    """Started by root, PostgreSQL runs as an account of its own, which has to reach its data."""
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return
    for step in (folder, *folder.parents):
        if step.exists() and not step.stat().st_mode & _EVERYBODY_ENTERS:
            message = (
                f"PostgreSQL can not reach {folder}: {step} lets nobody in. Set TINTYPE_DATA to "
                f"another folder, or run: chmod o+x {step}"
            )
            raise FleetError(message)
