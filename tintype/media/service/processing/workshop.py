"""What every job that makes files of an upload has at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tintype.codecs import Codecs
from tintype.codecs import Rendition as MadeFile
from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.media.model import SERVED_TYPES, rendition_key
from tintype.media.service.avatars import Avatars
from tintype.media.service.erasing import Erasing
from tintype.media.service.processing.shared import rendition_of
from tintype.media.service.tiers.clearing import give_way
from tintype.ports.blobs import Blobs


@dataclass(frozen=True)
class Workshop:
    """Where originals come from, what decodes them, and where files go; ``scratch`` is a folder."""

    database: Database
    blobs: Blobs
    codecs: Codecs
    erasing: Erasing
    avatars: Avatars
    scratch: Path

    async def put(self, upload: Id, files: Sequence[MadeFile]) -> None:
        """Store every file under the hash of its content: again is the same.

        For jobs alone, whose payload is ``Work``, and which end with the commit of the files' rows:
        what clears orphans away looks for them.

        Raises:
            NotYet: the upload is just being cleared of orphans.
        """
        await give_way(self.database, upload)
        for file in files:
            name = rendition_of(file).name
            await self.blobs.store(
                rendition_key(upload, name),
                file.path,
                content_type=SERVED_TYPES[name.rsplit(".", 1)[1]],
            )
