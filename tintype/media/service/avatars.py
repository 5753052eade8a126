"""Avatars: photos that an account shows beside its name."""

from __future__ import annotations

from collections.abc import Sequence

from tintype.accounts import Accounts
from tintype.database import Database, Transaction
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.errors import (
    AvatarNeedsPhoto,
    UploadExpired,
    UploadFailed,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import AVATAR, Rendition, Upload
from tintype.media.service.erasing import Erasing
from tintype.media.views import avatar_url


class Avatars:
    """Sets and takes away avatars. An avatar is for everybody, also that of a private account."""

    def __init__(self, database: Database, accounts: Accounts, erasing: Erasing) -> None:
        self._database = database
        self._accounts = accounts
        self._erasing = erasing

    async def choose(self, upload_id: Id, *, actor: Id) -> bool:
        """Make an upload the actor's avatar; tells whether it is shown already.

        An upload that is not ready yet becomes the avatar when it is.

        Raises:
            UploadNotFound, UploadInUse, UploadFailed, UploadExpired, AvatarNeedsPhoto.
        """
        async with self._database.write() as tx:
            await tx.lock(upload_id, actor)
            upload = await store.read(tx, upload_id)
            if upload is None or upload.owner != actor or upload.state == "released":
                raise UploadNotFound
            _check_usable(upload)
            await store.claim(tx, [upload_id], owner=actor, subject=AVATAR)
            shown = upload.state == "ready" and not upload.stale
            if shown:
                made = (await store.renditions_of(tx, [upload_id]))[upload_id]
                await self.show(tx, upload, made)
        return shown

    async def show(self, tx: Transaction, upload: Upload, made: Sequence[Rendition]) -> None:
        """Show a finished upload as its owner's avatar, and release the one before it.

        Of two that were chosen one after the other, the one that was uploaded later stays.
        """
        others = [each for each in await store.avatars_of(tx, upload.owner) if each.id != upload.id]
        if any(each.id > upload.id and each.state == "ready" for each in others):
            await self._erasing.release(tx, [upload.id])
            return
        await store.change(tx, upload.id, {"access": "everyone"})
        await self._accounts.set_avatar(tx, upload.owner, avatar_url(upload, made))
        await self._erasing.release(tx, [each.id for each in others if each.id < upload.id])

    async def remove(self, *, actor: Id) -> None:
        """Show no avatar any more, and release the picture. Repeats are harmless."""
        async with self._database.write() as tx:
            await tx.lock(actor)
            shown = await store.avatars_of(tx, actor)
            if shown:
                await self._erasing.release(tx, [each.id for each in shown])
                await self._accounts.set_avatar(tx, actor, None)


def _check_usable(upload: Upload) -> None:
    if upload.state == "expired":
        raise UploadExpired
    if upload.state == "failed":
        raise UploadFailed(upload.reason or "")
    if upload.subject not in {None, AVATAR}:
        raise UploadInUse
    if upload.kind != "photo":
        raise AvatarNeedsPhoto
