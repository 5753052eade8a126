from tintype.kernel.problem import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    OutOfSpace,
    Problem,
    TooLarge,
    UnsupportedMedia,
)


class UploadNotFound(NotFound):
    """You have no upload with this id."""


class PartNotFound(NotFound):
    """This upload has no part with this number."""


class OriginalMissing(Conflict):
    """There is no original of this upload here: it has not arrived, or is not kept."""


class MediaNotFound(NotFound):
    """There is no file here that you can see."""


class StorageTokenWrong(Forbidden):
    """Storage events come with the token of this server."""


class ContentTypeRefused(UnsupportedMedia):
    """Files of this type are not accepted."""


class UploadTooLarge(TooLarge):
    """This file is larger than the limit for its kind."""


class FileRefused(Invalid):
    """This file can not be shown here."""


class UploadEmpty(Invalid):
    """This file is empty."""


class QuotaExceeded(Forbidden):
    """Your account has no room left for this file."""


class TooManyUploads(Conflict):
    """You have too many unfinished uploads."""


class UploadIncomplete(Conflict):
    """Some parts of this upload have not arrived."""


class FormUploadRefused(Conflict):
    """Files are taken in parts here, not as forms."""


class UploadDamaged(Conflict):
    """Some parts of this upload are not the ones that were sent."""


class UploadClosed(Conflict):
    """This upload takes no more parts."""


class UploadInUse(Conflict):
    """This upload is already part of something else."""


class UploadFailed(Conflict):
    """This upload can not be used: it failed."""


class UploadExpired(Gone):
    """This upload was not finished in time and was thrown away."""


class NotEditable(Conflict):
    """Only photos that do not move can be edited."""


class AvatarNeedsPhoto(Conflict):
    """An avatar is made from a photo."""


class RangeNotSatisfiable(TooLarge):
    """This file has no bytes in the range that was asked for."""

    status = 416  # belongs to the delivery of files alone, so it is no family


class NoRoomForUpload(OutOfSpace):
    """The server has no room for this file; everything that is here can still be seen."""


BEGINNING: tuple[type[Problem], ...] = (
    ContentTypeRefused,
    FileRefused,
    UploadEmpty,
    UploadTooLarge,
    QuotaExceeded,
    TooManyUploads,
    NoRoomForUpload,
)
"""What may stand in the way of beginning an upload, whatever it is for."""
