"""Media as the slices above use them: claimed, shown, published, released."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tintype.accounts import Accounts
from tintype.database import Database, Reader, Transaction
from tintype.kernel.ids import Id, shard_of
from tintype.kernel.links import ENCODED_HERE
from tintype.kernel.problem import invalid_field
from tintype.media import store
from tintype.media.errors import (
    UploadExpired,
    UploadFailed,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import MediaSettings, Upload, UploadStatus
from tintype.media.service.erasing import Erasing
from tintype.media.service.grants import Grants
from tintype.media.service.photo_jobs import grow_job, offer_job, render_job
from tintype.media.service.processing.later import poster_job
from tintype.media.service.recipes import Recipes
from tintype.media.service.uploads import process_job
from tintype.media.service.warming import Warming
from tintype.media.views import (
    GRANT_PLACE,
    SlideView,
    UploadView,
    slide_view,
    unedited_url,
    upload_view,
)
from tintype.ports.blobs import StoredPart

# Only an address of ours begins with the sign for "here": user text can not hold it.
_PLACE = re.compile(
    rb"(?<=%b/media/g/)%b(?=/(?:auto/)?(\d{1,19})[/\"?])"
    % (re.escape(ENCODED_HERE), GRANT_PLACE.encode())
)


class Media:
    """The front door for slices that put media into something of theirs.

    Every method that takes a ``reader`` may be given a transaction, and then sees it.
    """

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        grants: Grants,
        erasing: Erasing,
        settings: MediaSettings,
        warming: Warming,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._grants = grants
        self._erasing = erasing
        self._grows = settings.avif
        self.warming = warming
        self.origins = warming.origins
        self.recipes = Recipes(database)

    async def slides(
        self, reader: Reader, ids: Iterable[Id], *, viewer: Id | None
    ) -> dict[Id, SlideView]:
        """Each upload that is ready, as a slide for this viewer; others are left out.

        Addresses of what not everybody may see carry a grant for the viewer, good for 5 to 10
        minutes; with no viewer they carry the place for one, which ``granted`` fills. Those of
        public media are the same for everybody and never change. Whether the viewer may see the
        post at all is for the caller to have decided.
        """
        found = await store.read_all(reader, ids)
        ready = [upload for upload in found.values() if upload.state == "ready"]
        made = await store.renditions_of(reader, [upload.id for upload in ready])
        owners = {upload.owner for upload in ready if upload.access == "viewers"}
        cards = await self._accounts.cards_in(reader, owners)
        open_owners = {card.id for card in cards.values() if card.live and not card.private}
        slides = {}
        for upload in ready:
            public = upload.access == "everyone" or (
                upload.access == "viewers" and upload.owner in open_owners
            )
            grant = None if public else self._grant_for(upload, viewer)
            slides[upload.id] = slide_view(upload, made[upload.id], grant)
        return slides

    def granted(self, encoded: bytes, viewer: Id | None) -> bytes:
        """Encoded slides that were made for nobody, with the viewer's grants filled in.

        Costs about 5 µs an upload, so that encoded posts can be kept and shared by viewers.
        """
        if viewer is None:
            return encoded
        made: dict[bytes, bytes] = {}

        def fill(found: re.Match[bytes]) -> bytes:
            upload = found.group(1)
            if (grant := made.get(upload)) is None:
                grant = self._grants.make(viewer=viewer, upload=int(upload)).encode()
                made[upload] = grant
            return grant

        return _PLACE.sub(fill, encoded)

    async def upload(self, upload: Upload, *, parts: Sequence[StoredPart]) -> UploadView:
        """An upload as its owner sees it, with its slide once that is ready."""
        async with self._database.read() as reader:
            slides = await self.slides(reader, [upload.id], viewer=upload.owner)
            made = (await store.renditions_of(reader, [upload.id]))[upload.id]
        grant = self._grants.make(viewer=upload.owner, upload=upload.id)
        return upload_view(upload, parts, slides.get(upload.id), unedited_url(upload, made, grant))

    async def drop(self, upload_id: Id, *, actor: Id) -> None:
        """Release one's own upload that nothing uses; one that is gone already is a no-op.

        Another account's upload is answered like one that never was.

        Raises:
            UploadNotFound: it can not be the actor's.
            UploadInUse: a post or the avatar shows it.
        """
        if shard_of(upload_id) != shard_of(actor):
            raise UploadNotFound
        async with self._database.write() as tx:
            await tx.lock(upload_id)
            upload = await store.read(tx, upload_id)
            if upload is None or upload.owner != actor:
                return
            if upload.subject is not None:
                raise UploadInUse
            await self._erasing.release(tx, [upload_id])

    async def states(self, reader: Reader, ids: Iterable[Id]) -> dict[Id, UploadStatus]:
        """How far each upload is; unknown and released ones are left out."""
        found = await store.read_all(reader, ids)
        return {
            upload.id: _status(upload) for upload in found.values() if upload.state != "released"
        }

    async def claim(
        self, tx: Transaction, ids: Sequence[Id], *, owner: Id, subject: Id
    ) -> dict[Id, UploadStatus]:
        """Take uploads for one post: each can be used once, and no longer expires unused.

        Returns how far each is. ``MediaReady`` and ``MediaFailed`` of a claimed upload name the
        subject.

        Raises:
            UploadNotFound: unknown, released, or another account's.
            UploadInUse: taken already, or named twice.
            UploadFailed, UploadExpired.
        """
        await tx.lock(*ids)
        found = await store.read_all(tx, ids)
        for id_ in ids:
            _check_claimable(found.get(id_), owner)
        taken = await store.claim(tx, ids, owner=owner, subject=str(subject))
        if taken != len(ids):
            raise UploadInUse
        return {upload.id: _status(upload) for upload in found.values()}

    async def choose_posters(self, tx: Transaction, moments: Mapping[Id, float]) -> None:
        """Have videos shown by the pictures at these moments, in seconds; later ones by their last.

        Of a ready video only the poster is made anew: ``MediaGrown`` tells when it is there.

        Raises:
            Invalid: one of the uploads is no video.
        """
        for upload in (await store.read_all(tx, moments)).values():
            if upload.kind != "video":
                raise invalid_field(f"/poster_at/{upload.id}", "Only a video has moments.")
            at = moments[upload.id]
            if upload.poster_at == at:
                continue
            await store.change(tx, upload.id, {"poster_at": at})
            if upload.state == "ready":
                await tx.enqueue(poster_job(msgspec.structs.replace(upload, poster_at=at)))

    async def offer(self, tx: Transaction, wanted: Mapping[Id, bool]) -> bool:
        """Let others download photos as they were sent, without metadata, or no longer.

        What is withdrawn can not be fetched from this commit on; what is offered is made by a job,
        and ``MediaGrown`` tells when it is there. Returns whether anything is different now.

        Raises:
            Invalid: one of the uploads is no photo.
        """
        changed = False
        for upload in (await store.read_all(tx, wanted)).values():
            if upload.kind != "photo" and wanted[upload.id]:
                raise invalid_field(f"/original/{upload.id}", "Only photos can be downloaded.")
            if upload.offered != wanted[upload.id]:
                changed = True
                await store.change(tx, upload.id, {"offered": wanted[upload.id]})
                if upload.state == "ready":
                    await tx.enqueue(offer_job(upload.id))
        return changed

    async def publish(self, tx: Transaction, ids: Iterable[Id]) -> None:
        """From this commit on, whoever may see the owner's posts may see these, the owner before.

        Photos grow from then on: ``MediaGrown`` tells of each that got more files. Calling it again
        changes nothing.
        """
        published = list(ids)
        await store.change_all(tx, published, {"access": "viewers"})
        if self._grows:
            for upload in (await store.read_all(tx, published)).values():
                if upload.kind == "photo":
                    await tx.enqueue(grow_job(upload.id, upload.revision))

    async def withdraw(self, tx: Transaction, ids: Iterable[Id]) -> None:
        """The opposite of ``publish``: from this commit on only the owner may see these."""
        await store.change_all(tx, ids, {"access": "owner"})

    async def retry(self, tx: Transaction, ids: Iterable[Id]) -> int:
        """Process uploads again that failed without fault of their bytes; returns how many."""
        again = 0
        now = self._database.clock.now_ms()
        changes = {"state": "processing", "reason_code": None, "reason": None, "changed_ms": now}
        for upload in (await store.read_all(tx, ids)).values():
            if not upload.processable:
                continue
            if upload.stale:
                await store.change(tx, upload.id, {"reason_code": None, "reason": None})
                await tx.enqueue(render_job(upload.id, upload.revision))
                again += 1
            elif await store.change(tx, upload.id, changes, only_in=("failed",)):
                await tx.enqueue(process_job(upload.id, kind=upload.kind))
                again += 1
        return again

    async def release(self, tx: Transaction, ids: Iterable[Id]) -> None:
        """Give uploads up for good: with this commit nobody can fetch them any more.

        Their bytes are deleted soon after, by a job that checks that they are gone.
        """
        await self._erasing.release(tx, ids)

    async def erase_account(self, account: Id) -> None:
        """Erase everything that an account ever uploaded; on return its bytes are gone.

        May be called again after a failure, and carries on.
        """
        await self._erasing.erase_account(account)

    def _grant_for(self, upload: Upload, viewer: Id | None) -> str:
        if viewer is None:
            return GRANT_PLACE
        return self._grants.make(viewer=viewer, upload=upload.id)


def _check_claimable(upload: Upload | None, owner: Id) -> None:
    if upload is None or upload.owner != owner or upload.state == "released":
        raise UploadNotFound
    if upload.subject is not None:
        raise UploadInUse
    if upload.state == "expired":
        raise UploadExpired
    if upload.state == "failed":
        raise UploadFailed(upload.reason or "")


def _status(upload: Upload) -> UploadStatus:
    state = upload.state
    if upload.stale:
        # Whoever waits for it waits for the picture that its owner wants to be seen.
        state = "processing" if upload.reason_code is None else "failed"
    return UploadStatus(
        state=state,
        kind=upload.kind,
        reason=upload.reason,
        filename=upload.filename,
        processable=upload.processable,
    )
