"""The tree of every setting; each part belongs to the slice or adapter that obeys it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from tintype.accounts import AccountSettings
from tintype.adapters.disk import DiskSettings
from tintype.adapters.kafka.settings import KafkaSettings
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.s3 import S3Settings
from tintype.admin import AdminSettings
from tintype.database.settings import DatabaseSettings
from tintype.feed import FeedSettings
from tintype.http import RateLimitSettings
from tintype.http.gate import OverloadSettings
from tintype.media import MediaSettings
from tintype.media.service.tiers import TierSettings
from tintype.notifications import NotificationSettings

DATABASE = "tintype.sqlite"
"""The file of the database, in the data folder."""

_LOCAL = ("localhost", "127.0.0.1", "::1")


class Settings(BaseModel):
    """Everything an operator can set. An empty configuration runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    bind: str = "127.0.0.1:8000"
    """Address and port to listen on."""
    data: Path = Path("data")
    """Folder that holds the database, the media, the secret and the backups."""
    public_url: str | None = None
    """Where people reach this server, as `https://photos.example`. Unset: whatever address the
    request came to."""
    trust_proxy: bool = False
    """Take the caller's address from `X-Forwarded-For`. Only behind a proxy that sets it."""
    trusted_proxies: str = "127.0.0.1,::1"
    """With `trust_proxy`: the proxies whose `X-Forwarded-Proto` is believed, by address or network,
    separated by commas. `*` only where nobody else reaches this process."""
    allow_insecure: bool = False
    """Allow a `public_url` without TLS on a public name. Passwords then travel in the clear."""
    secret: SecretStr | None = None
    """32 random bytes in base64, the same for every process of this server. Unset: made once, and
    kept in the data folder."""
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    """Where the metadata lives, when not in the data folder."""
    accounts: AccountSettings = Field(default_factory=AccountSettings)
    """Who may join and how sessions live."""
    rate_limits: RateLimitSettings = Field(default_factory=RateLimitSettings)
    """How often one account or address may call."""
    overload: OverloadSettings = Field(default_factory=OverloadSettings)
    """What happens when more is asked than can be done."""
    media: MediaSettings = Field(default_factory=MediaSettings)
    """How much people may upload."""
    feed: FeedSettings = Field(default_factory=FeedSettings)
    """How posts reach feeds."""
    notifications: NotificationSettings = Field(default_factory=NotificationSettings)
    """How people are told what happens."""
    disk: DiskSettings = Field(default_factory=DiskSettings)
    """How much of the local disk the media may take, and of the machine."""
    redis: RedisSettings = Field(default_factory=RedisSettings)
    """What several processes share from moment to moment."""
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    """The log of events, when not in the database."""
    s3: S3Settings | None = None
    """The bucket that holds the media, in S3 or a server that speaks like it. Unset: they are kept
    on the local disk."""
    tiers: TierSettings = Field(default_factory=TierSettings)
    """How long media stay where they are quick to reach, and where they go after that."""
    cold_s3: S3Settings | None = None
    """A second bucket, which takes originals that went cold; it may be anywhere. Unset: none."""
    admin: AdminSettings = Field(default_factory=AdminSettings)
    """Who may read the figures of this server."""

    @property
    def host(self) -> str:
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.bind.rpartition(":")[2])

    @property
    def address(self) -> str:
        """Where a person on this machine opens the server in a browser."""
        if self.public_url is not None:
            return self.public_url
        return f"http://{'localhost' if self.host in _LOCAL else self.host}:{self.port}"

    @model_validator(mode="after")
    def _safe(self) -> Settings:
        host, _, port = self.bind.rpartition(":")
        if not host or not port.isdigit():
            message = "bind (TINTYPE_BIND): write it as address:port, as in 127.0.0.1:8000."
            raise ValueError(message)
        if self.public_url is not None:
            self._check_public_url(self.public_url)
        self._check_tiers()
        return self

    def _check_tiers(self) -> None:
        """Refuse places that can not be meant together, and classes where there are none."""
        if self.disk.cold_path is not None and (self.s3 or self.cold_s3) is not None:
            message = (
                "disk.cold_path (TINTYPE_DISK__COLD_PATH): originals go cold in a folder beside "
                "the data folder, or in a bucket. Unset one of disk.cold_path, s3 and cold_s3."
            )
            raise ValueError(message)
        if self.s3 is None and self.tiers.warm_class is not None:
            message = "tiers.warm_class: classes of storage are a bucket's. Set s3.bucket."
            raise ValueError(message)
        if (self.cold_s3 or self.s3) is None and self.tiers.cold_class is not None:
            message = (
                "tiers.cold_class: classes of storage are a bucket's. Set s3.bucket or "
                "cold_s3.bucket."
            )
            raise ValueError(message)
        if self.tiers.cold_by == "lifecycle" and self.cold_s3 is not None:
            message = "tiers.cold_by: a rule moves nothing to another bucket. Set it to copy."
            raise ValueError(message)

    def _check_public_url(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path:
            message = (
                "public_url (TINTYPE_PUBLIC_URL): write scheme and host only, without a slash at "
                "the end, as in https://photos.example."
            )
            raise ValueError(message)
        if parts.scheme == "http" and parts.hostname not in _LOCAL and not self.allow_insecure:
            message = (
                "public_url (TINTYPE_PUBLIC_URL): http:// on a public name sends passwords in the "
                "clear. Use https://, or set allow_insecure = true on a network that you trust."
            )
            raise ValueError(message)
