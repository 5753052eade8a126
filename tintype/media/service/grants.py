"""Grants: leave for one viewer to fetch one rendition for a few minutes."""

from __future__ import annotations

import base64
import hashlib
import hmac

from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id

_GRID_S = 300
_MAC_BYTES = 16


class Grants:
    """Signs and checks grants; ``key`` is used for nothing else.

    A grant ends 5 to 10 minutes after it was made, on a grid of 5 minutes, so that a browser meets
    the same address again and finds it in its cache. It never says that the viewer *still* may
    see the file: that is asked on every delivery.
    """

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def make(self, *, viewer: Id, upload: Id, name: str) -> str:
        expires = (self._clock.now_ms() // 1000 // _GRID_S + 2) * _GRID_S
        return f"{viewer:x}.{expires:x}.{self._mac(viewer, expires, upload, name)}"

    def viewer_in(self, grant: str, *, upload: Id, name: str) -> Id | None:
        """For whom the grant is good; ``None`` when it is forged, for another file, or over."""
        try:
            viewer_text, expires_text, mac = grant.split(".")
            viewer, expires = int(viewer_text, 16), int(expires_text, 16)
        except ValueError:
            return None
        right = hmac.compare_digest(mac.encode(), self._mac(viewer, expires, upload, name).encode())
        return viewer if right and self._clock.now_ms() < expires * 1000 else None

    def _mac(self, viewer: Id, expires: int, upload: Id, name: str) -> str:
        text = f"{upload}/{name}/{viewer}/{expires}".encode()
        mac = hmac.digest(self._key, text, hashlib.sha256)[:_MAC_BYTES]
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")
