"""Upload → original → renditions, and handing them to whoever may see them."""

from tintype.media.errors import (
    BEGINNING,
    UploadExpired,
    UploadFailed,
    UploadIncomplete,
    UploadInUse,
    UploadNotFound,
)
from tintype.media.model import Announced, Audience, MediaSettings, Upload, UploadStatus
from tintype.media.service import Media, Uploads
from tintype.media.views import LimitsView, NewUploadView, SlideView, TextLimits, limits_view

__all__ = [
    "BEGINNING",
    "Announced",
    "Audience",
    "LimitsView",
    "Media",
    "MediaSettings",
    "NewUploadView",
    "SlideView",
    "TextLimits",
    "Upload",
    "UploadExpired",
    "UploadFailed",
    "UploadInUse",
    "UploadIncomplete",
    "UploadNotFound",
    "UploadStatus",
    "Uploads",
    "limits_view",
]
