from __future__ import annotations

from tintype.kernel.event import Event
from tintype.kernel.ids import Id


class MediaReady(Event, frozen=True, kw_only=True, tag="media_ready"):
    """Every rendition of an upload was made and verified.

    ``subject`` is what had claimed it by then: a post's id, ``avatar``, or ``None``.
    """

    upload: Id
    owner: Id
    subject: str | None

    def key(self) -> Id:
        return self.upload


class MediaGrown(Event, frozen=True, kw_only=True, tag="media_grown"):
    """A ready upload got more files than it had, or lost some: what shows it is out of date.

    ``subject`` is what has claimed it: a post's id, ``avatar``, or ``None``.
    """

    upload: Id
    owner: Id
    subject: str | None

    def key(self) -> Id:
        return self.upload


class MediaEdited(Event, frozen=True, kw_only=True, tag="media_edited"):
    """A ready photo is shown by another recipe than before: all its files are new ones.

    ``subject`` is what has claimed it: a post's id, ``avatar``, or ``None``.
    """

    upload: Id
    owner: Id
    subject: str | None

    def key(self) -> Id:
        return self.upload


class MediaFailed(Event, frozen=True, kw_only=True, tag="media_failed"):
    """An upload will not become media, for a reason that its owner understands.

    ``retryable`` tells that the file is not to blame and another attempt may succeed.
    """

    upload: Id
    owner: Id
    subject: str | None
    reason: str
    retryable: bool

    def key(self) -> Id:
        return self.upload
