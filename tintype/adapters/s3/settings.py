"""Where the bucket is, and how it is talked to."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHORTEST_TOKEN = 16


class S3Settings(BaseModel):
    """The bucket that holds the media, in S3 or a server that speaks like it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    bucket: str = Field(min_length=3, max_length=63)
    """Name of the bucket. It belongs to this instance alone."""
    endpoint: str | None = None
    """Where this server reaches the bucket, as `https://s3.example`. Unset: AWS, in `region`."""
    public_endpoint: str | None = None
    """Where browsers reach the bucket, when that is another address than `endpoint`."""
    region: str = "us-east-1"
    """Region of the bucket; it is part of every signature."""
    access_key: str | None = None
    """Name of the access key. Unset: whatever AWS gives the machine (role, profile)."""
    secret_key: SecretStr | None = None
    """The secret of the access key."""
    path_style: bool = True
    """Whether the bucket is in the path (`https://s3.example/bucket`) or in the host's name."""
    threads: int = Field(default=16, ge=1)
    """Requests at the same time; a storage that hangs holds up no more than these."""
    seconds: float = Field(default=30.0, gt=0)
    """How long a request may take before the storage counts as not answering."""
    patience: float = Field(default=900.0, gt=0)
    """How long putting one upload's parts together may take, in seconds: some servers copy them."""
    events_token: SecretStr | None = None
    """What a webhook of the bucket's brings along to `/v1/storage/events`. Unset: no webhook."""
    queue_url: str | None = None
    """An SQS queue that gets the bucket's events, to be read by this server. Unset: no queue."""

    @property
    def origin(self) -> str:
        """Scheme and host under which browsers see the bucket."""
        return self._origin_at(self.public_endpoint or self.home)

    @property
    def path(self) -> str:
        """What comes before a key in the path of an address."""
        return f"/{self.bucket}/" if self.path_style else "/"

    @property
    def home(self) -> str:
        """Where this server reaches the storage."""
        return self.endpoint or f"https://s3.{self.region}.amazonaws.com"

    @field_validator("endpoint", "public_endpoint")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path or parts.query:
            message = "write scheme and host only, as in https://s3.example"
            raise ValueError(message)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        # Browsers leave the usual port out of the Host header, which is signed.
        usual = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
        return f"{parts.scheme}://{host}" + ("" if usual else f":{parts.port}")

    @model_validator(mode="after")
    def _is_whole(self) -> S3Settings:
        if (self.access_key is None) != (self.secret_key is None):
            message = "access_key and secret_key go together: set both or neither."
            raise ValueError(message)
        token = self.events_token
        if token is not None and len(token.get_secret_value()) < _SHORTEST_TOKEN:
            message = f"events_token: take {_SHORTEST_TOKEN} characters or more, at random."
            raise ValueError(message)
        return self

    def _origin_at(self, endpoint: str) -> str:
        if self.path_style:
            return endpoint
        scheme, _, host = endpoint.partition("://")
        return f"{scheme}://{self.bucket}.{host}"
