"""Uploads that the storage itself announces."""

from __future__ import annotations

import re
from collections.abc import Iterable

import structlog

from tintype.media.errors import UploadExpired, UploadIncomplete, UploadNotFound
from tintype.media.model import original_key
from tintype.media.service.uploads import Uploads

log = structlog.get_logger(__name__)

_ORIGINAL = re.compile(r"originals/[0-9a-f]{3}/(\d{1,19})")


class Arrivals:
    """Takes hints about keys that hold something now, and looks for itself."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def announced(self, keys: Iterable[str]) -> int:
        """Complete the uploads whose originals these keys are; returns how many are under way now.

        Hints may be repeated, late, out of order or wrong: nothing but what the storage holds
        counts, and what is nobody's original is ignored.

        Raises:
            AdapterError, DatabaseUnavailable: announce it again.
        """
        complete = 0
        for key in keys:
            named = _ORIGINAL.fullmatch(key)
            if named is None or original_key(int(named.group(1))) != key:
                log.debug("media.announced_other", key=key[:100])
                continue
            try:
                await self._uploads.complete(int(named.group(1)))
            except (UploadNotFound, UploadExpired, UploadIncomplete) as problem:
                log.info("media.announced_in_vain", key=key, problem=problem.slug())
            else:
                complete += 1
        return complete
