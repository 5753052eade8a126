"""What an adapter raises: the few failures a caller can tell apart, whatever the technology."""

from __future__ import annotations


class AdapterError(Exception):
    """A technology below failed; always raised ``from`` the driver's own exception, if any."""


class Unavailable(AdapterError):  # noqa: N818 - named as callers say it
    """It does not answer. Nothing is known about the effect; the same call may be repeated."""


class TimedOut(Unavailable):
    """It did not answer in time."""


class Asleep(Unavailable):
    """The blob is in an archive and has to be woken before it is read."""


class Corrupt(AdapterError):  # noqa: N818 - named as callers say it
    """What it holds is not what was stored, or is not what the caller expects to be stored."""


class OutOfSpace(AdapterError):  # noqa: N818 - named as callers say it
    """There is no room. Nothing of the call remains, and reads go on."""


class BlobNotFound(AdapterError):  # noqa: N818 - named as callers say it
    """There is no blob under this key."""


class NoSuchUpload(AdapterError):  # noqa: N818 - named as callers say it
    """This upload was never begun, was aborted, or is no longer known."""
