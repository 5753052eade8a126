"""What the routes of this slice call."""

from __future__ import annotations

import msgspec

from tintype.accounts import Accounts
from tintype.media.service import Avatars, Delivery, Media, Uploads
from tintype.media.service.tiers import Originals
from tintype.media.views import TextLimits


class Door(msgspec.Struct, frozen=True):
    """What the routes of this slice call."""

    uploads: Uploads
    media: Media
    delivery: Delivery
    avatars: Avatars
    originals: Originals
    accounts: Accounts
    texts: TextLimits
