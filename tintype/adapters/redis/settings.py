"""Where Redis is and how long it may take."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

_PORT, _SENTINEL_PORT = 6379, 26379
_FORMS = "redis://, rediss://, redis+sentinel://host,host/name or redis+cluster://host,host"


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int


class Place(NamedTuple):
    """What a ``redis.url`` says."""

    kind: str
    """``alone``, ``sentinel`` or ``cluster``."""
    addresses: tuple[Address, ...]
    tls: bool
    name: str
    """What the Sentinels call the master."""
    database: int
    account: str
    password: str


class RedisSettings(BaseModel):
    """Where timelines, caches and what processes tell each other are kept, when several share them.

    Nothing in Redis is the only copy of anything: losing all of it costs time, never data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: SecretStr | None = None
    """`redis://:password@host:6379/0`, `rediss://…` with TLS, `redis+sentinel://host,host/name`, or
    `redis+cluster://host,host`; `rediss+sentinel` and `rediss+cluster` with TLS."""
    timeout_ms: int = Field(default=200, ge=10, le=60_000)
    """Milliseconds after which Redis counts as silent. A request waits so long at most; for a
    second after that, nobody asks."""
    tls_ca: Path | None = None
    """File with the certificate authority of the servers, when the system does not know it."""
    sentinel_password: SecretStr | None = None
    """Password of the Sentinels, when they have one of their own."""
    cache_hours: float = Field(default=24.0, gt=0)
    """How long a cached value is kept at most."""

    @field_validator("url")
    @classmethod
    def _known_form(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parse(url.get_secret_value())
        return url

    def place(self) -> Place:
        """What ``url`` says.

        Raises:
            ValueError: there is no ``url``.
        """
        if self.url is None:
            raise ValueError("redis.url is not set")
        return parse(self.url.get_secret_value())


def parse(url: str) -> Place:
    """The parts of a ``redis.url``.

    Raises:
        ValueError: it has none of the known forms.
    """
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    kind = kind or "alone"
    if scheme not in {"redis", "rediss"} or kind not in {"alone", "sentinel", "cluster"}:
        raise ValueError(f"redis.url begins with {_FORMS}")
    secret, _, hosts = parts.netloc.rpartition("@")
    account, _, password = secret.partition(":")
    port = _SENTINEL_PORT if kind == "sentinel" else _PORT
    addresses = tuple(_address(host, port) for host in hosts.split(",") if host)
    path = parts.path.strip("/")
    if not addresses or (kind == "alone" and len(addresses) > 1):
        raise ValueError(f"redis.url names its hosts: {_FORMS}")
    if kind == "sentinel" and not path:
        raise ValueError(
            "redis.url names the master after the Sentinels: redis+sentinel://h,h/name"
        )
    name, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
    database = database or "0"
    if not database.isdigit() or (kind == "cluster" and database != "0"):
        raise ValueError("redis.url ends with the number of a database; a Cluster has only 0")
    return Place(
        kind,
        addresses,
        scheme == "rediss",
        name,
        int(database),
        unquote(account),
        unquote(password),
    )


def _address(text: str, port: int) -> Address:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"redis.url names its hosts: {_FORMS}")
    return Address(parts.hostname, parts.port or port)
