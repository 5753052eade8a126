"""How owners want their photos to be shown: kept, told to whoever shows them, and carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tintype.codecs import Recipe
from tintype.database import Database, Transaction, TryAgain
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.errors import NotEditable, UploadExpired, UploadNotFound
from tintype.media.model import MOVES, Upload
from tintype.media.service.photo_jobs import render_job
from tintype.media.service.uploads import process_job

Frame = Callable[[Transaction, Id, Id, Recipe, Recipe], Awaitable[None]]
"""Told of a post, its photo, and the recipes of that before and after."""


async def _nobody(_tx: Transaction, _post: Id, _upload: Id, _old: Recipe, _new: Recipe) -> None:
    pass


class Recipes:
    """Keeps recipes. The files follow by a job, one recipe as a whole after the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._frame: Frame = _nobody

    def shown_in(self, frame: Frame) -> None:
        """Tell of every change of a photo that is part of a post, in the change's transaction."""
        self._frame = frame

    async def put(self, upload_id: Id, recipe: Recipe, *, actor: Id) -> Upload:
        """Have one's own photo shown by this recipe; one without any change is the photo as it is.

        May come before the bytes, while they are processed, or when the photo is out. What is
        shown stays until all its new files are there; of two recipes the later one counts. The
        same recipe again changes nothing, but another attempt is made if the last one failed.

        Raises:
            UploadNotFound: unknown, somebody else's, or released.
            UploadExpired.
            NotEditable: it is a video, or moves.
        """
        wanted = recipe.text()
        async with self._database.write() as tx:
            upload = await self._locked(tx, upload_id, actor)
            if wanted is not None:
                _check_editable(upload)
            if wanted == upload.recipe and not (upload.stale and upload.reason_code):
                return upload
            await self._keep(tx, upload, wanted)
            found = await store.read(tx, upload_id)
        return found or upload

    async def _keep(self, tx: Transaction, upload: Upload, wanted: str | None) -> None:
        revision = upload.revision + 1
        await store.change(tx, upload.id, {"recipe": wanted, "revision": revision})
        if upload.subject is not None and upload.subject.isdigit() and wanted != upload.recipe:
            before, after = Recipe.read(upload.recipe), Recipe.read(wanted)
            await self._frame(tx, int(upload.subject), upload.id, before, after)
        cleared = {
            "reason_code": None,
            "reason": None,
            "changed_ms": self._database.clock.now_ms(),
        }
        if upload.state == "ready":
            await store.change(tx, upload.id, cleared)
            await tx.enqueue(render_job(upload.id, revision))
        elif upload.state == "failed" and upload.reason_code == MOVES and upload.subject is None:
            await store.change(tx, upload.id, {**cleared, "state": "processing"})
            await tx.enqueue(process_job(upload.id, kind=upload.kind))

    async def _locked(self, tx: Transaction, upload_id: Id, actor: Id) -> Upload:
        """The actor's own upload, and what shows it, until this transaction has ended."""
        seen = _own(await store.read(tx, upload_id), actor)
        of_post = seen.subject is not None and seen.subject.isdigit()
        await tx.lock(upload_id, actor, *([int(seen.subject or 0)] if of_post else []))
        upload = _own(await store.read(tx, upload_id), actor)
        if upload.subject != seen.subject:
            raise TryAgain("the photo has just become part of something")
        return upload


def _own(upload: Upload | None, actor: Id) -> Upload:
    if upload is None or upload.owner != actor or upload.state == "released":
        raise UploadNotFound
    if upload.state == "expired":
        raise UploadExpired
    return upload


def _check_editable(upload: Upload) -> None:
    if upload.kind != "photo":
        raise NotEditable("This is a video; only photos can be edited.")
    if upload.animated:
        raise NotEditable("This photo moves; only still photos can be edited.")
