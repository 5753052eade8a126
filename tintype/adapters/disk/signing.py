"""Part URLs of the local disk: what S3 does with its signatures, done with one HMAC."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import urlencode

import msgspec

from tintype.kernel.clock import Clock
from tintype.ports.blobs import PART_URL_SECONDS, SignedPart

PART_PATH = "/parts"
MAX_PARTS = 10_000

_UPLOAD = re.compile(r"[0-9a-f]{32}")


class PartClaim(msgspec.Struct, frozen=True):
    """What one signed URL permits: this part of this upload, with exactly this many bytes."""

    upload: str
    number: int
    bytes: int


class PartSigner:
    """Signs and checks part URLs over method, upload, part, length and expiry.

    ``secret`` is used for nothing else: it is derived here from the one that is passed in.
    """

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"tintype part urls", hashlib.sha256)
        self._clock = clock

    def sign(self, claim: PartClaim) -> SignedPart:
        expires = self._clock.now_ms() // 1000 + PART_URL_SECONDS
        query = urlencode(
            {"bytes": claim.bytes, "expires": expires, "signature": self._mac(claim, expires)}
        )
        return SignedPart(
            url=f"{PART_PATH}/{claim.upload}/{claim.number}?{query}",
            method="PUT",
            headers={"Content-Length": str(claim.bytes)},
            expires_at_ms=expires * 1000,
        )

    def permits(self, claim: PartClaim, *, expires: int, signature: str) -> bool:
        """Whether this server signed exactly this claim and its hour is not over."""
        if not (is_upload(claim.upload) and 1 <= claim.number <= MAX_PARTS):
            return False
        right = hmac.compare_digest(self._mac(claim, expires).encode(), signature.encode())
        return right and self._clock.now_ms() < expires * 1000

    def _mac(self, claim: PartClaim, expires: int) -> str:
        text = f"PUT\n{claim.upload}\n{claim.number}\n{claim.bytes}\n{expires}"
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()


def is_upload(text: str) -> bool:
    """Whether the text has the form of an upload's name, so that it is safe as a folder name."""
    return _UPLOAD.fullmatch(text) is not None
