"""What an operator says about Kafka, and what the client library is told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tintype.ports.events import LANES

log = structlog.get_logger(__name__)

_MOST_PARTITIONS = 4096


class KafkaSettings(BaseModel):
    """Where the log of events lives. Without a bootstrap address: in the database."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    bootstrap: str | None = None
    """Brokers to ask first, as `kafka-1.example:9092,kafka-2.example:9092`. Unset: no Kafka."""
    prefix: str = Field(default="tintype", pattern=r"^[a-zA-Z0-9._-]{1,100}$")
    """How the names of topics and groups begin."""
    partitions: int = Field(default=12, ge=1, le=_MOST_PARTITIONS)
    """Partitions of the events topic, when it is made: at most so many workers share a group. It
    can not be changed later, because the order of events would be."""
    replicas: int = Field(default=1, ge=1, le=7)
    """Brokers that keep a copy of every event, when the topics are made. 3 in production."""
    retention_hours: int = Field(default=168, ge=1)
    """How long events are kept, when the topics are made: a group that is away for longer misses
    some and is rebuilt."""
    timeout_ms: int = Field(default=10_000, ge=500)
    """How long a call waits before the log counts as away. What then becomes of it is looked up
    later, so a short wait costs nothing but repetition."""
    session_timeout_ms: int = Field(default=10_000, ge=2_000, le=300_000)
    """How long a worker may be silent before its partitions go to the others."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to speak to the brokers."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to sign in, with one of the `SASL` protocols."""
    sasl_username: str | None = None
    """Who signs in."""
    sasl_password: str | None = Field(default=None, repr=False)
    """The password."""
    ca_file: str | None = None
    """The certificates to trust, as a PEM file. Unset: those of the system."""

    @model_validator(mode="after")
    def _complete(self) -> KafkaSettings:
        sasl = self.security_protocol.startswith("SASL")
        if sasl and not (self.sasl_username and self.sasl_password):
            message = "kafka: with a SASL protocol, set sasl_username and sasl_password too."
            raise ValueError(message)
        return self

    @property
    def timeout_s(self) -> float:
        return self.timeout_ms / 1000

    @property
    def topic(self) -> str:
        """The topic of all events, partitioned by key."""
        return f"{self.prefix}.events"

    @property
    def relay_topic(self) -> str:
        """The notes of the relays: a partition for each lane, of which the newest note counts."""
        return f"{self.prefix}.relay"

    def group(self, name: str) -> str:
        """The name of a group on the brokers."""
        return f"{self.prefix}.{name}"

    def client(self, more: Mapping[str, str | int | bool] = MappingProxyType({})) -> dict[str, Any]:
        """The settings that every client of the library gets, and some more."""
        found: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap or "",
            "client.id": self.prefix,
            "security.protocol": self.security_protocol,
            # The library writes a line for every failed connection attempt; errors are told below.
            "log_level": 2,
            "error_cb": _tell,
            "reconnect.backoff.max.ms": 1_000,
            "socket.timeout.ms": self.timeout_ms,
        }
        if self.security_protocol.startswith("SASL"):
            found["sasl.mechanism"] = self.sasl_mechanism
            found["sasl.username"] = self.sasl_username
            found["sasl.password"] = self.sasl_password
        if self.ca_file is not None:
            found["ssl.ca.location"] = self.ca_file
        return found | dict(more)

    def topics(self) -> dict[str, tuple[int, dict[str, str]]]:
        """The topics to make: their partitions and their own settings."""
        safe = {"min.insync.replicas": "2"} if self.replicas > 2 else {}  # noqa: PLR2004 - one may be away
        kept = {"retention.ms": str(self.retention_hours * 3_600_000)}
        notes = {"cleanup.policy": "compact"}
        return {self.topic: (self.partitions, safe | kept), self.relay_topic: (LANES, safe | notes)}


def _tell(error: object) -> None:
    log.warning("kafka.error", error=str(error))
