"""Grants: leave for one viewer to fetch the files of one upload for a few minutes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

import msgspec

from tintype.kernel.asking import asking
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id

GRANT_CHARACTERS = 48
"""How long a grant is in addresses."""

_GRID_S = 300
_FACTS = struct.Struct(">QQI")
_MAC_BYTES = 16
_NO_SESSION = 0


class Granted(msgspec.Struct, frozen=True):
    """For whom a grant was made: ``session`` is the one that it was handed to, if it was to one."""

    viewer: Id
    session: Id | None


class Grants:
    """Signs and checks grants; ``key`` is used for nothing else.

    A grant ends 5 to 10 minutes after it was made, on a grid of 5 minutes, so that a browser meets
    the same address again and finds it in its cache. One that is made while its viewer's own
    request is answered is bound to the session of that request, and ends with it. A grant never
    says that the viewer *still* may see the files: that is asked on every delivery.
    """

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def make(self, *, viewer: Id, upload: Id) -> str:
        """Leave to fetch any file of the upload; stands in the path, in front of the file."""
        expires = (self._clock.now_ms() // 1000 // _GRID_S + 2) * _GRID_S
        caller = asking.get()
        session = caller[1] if caller is not None and caller[0] == viewer else _NO_SESSION
        facts = _FACTS.pack(viewer, session, expires)
        return base64.urlsafe_b64encode(facts + self._mac(facts, upload)).decode()

    def granted_by(self, grant: str, *, upload: Id) -> Granted | None:
        """For whom the grant is good; ``None`` when forged, for another upload, or over."""
        if len(grant) != GRANT_CHARACTERS:
            return None
        try:
            signed = base64.b64decode(grant, altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        facts, mac = signed[: _FACTS.size], signed[_FACTS.size :]
        if not hmac.compare_digest(mac, self._mac(facts, upload)):
            return None
        viewer, session, expires = _FACTS.unpack(facts)
        if self._clock.now_ms() >= expires * 1000:
            return None
        return Granted(viewer=viewer, session=session or None)

    def _mac(self, facts: bytes, upload: Id) -> bytes:
        return hmac.digest(self._key, b"%d/%b" % (upload, facts), hashlib.sha256)[:_MAC_BYTES]
