"""The use cases of the media slice."""

from tintype.media.service.arrivals import Arrivals
from tintype.media.service.avatars import Avatars
from tintype.media.service.delivery import Chosen, Delivery, Elsewhere, Served
from tintype.media.service.erasing import ERASE, Erasing
from tintype.media.service.grants import Granted, Grants
from tintype.media.service.growing import Growing
from tintype.media.service.library import Media
from tintype.media.service.origins import Origins
from tintype.media.service.photo_jobs import GROW, OFFER, RENDER
from tintype.media.service.processing import Processing
from tintype.media.service.processing.later import GROW_AV1, GROW_VIDEO, POSTER
from tintype.media.service.processing.workshop import Workshop
from tintype.media.service.recipes import Recipes
from tintype.media.service.rendering import Rendering
from tintype.media.service.screening import Screening
from tintype.media.service.sweeper import Sweeper
from tintype.media.service.uploads import PROCESS_PHOTO, PROCESS_VIDEO, Uploads
from tintype.media.service.warming import WARM, Velocity, Warming

__all__ = [
    "ERASE",
    "GROW",
    "GROW_AV1",
    "GROW_VIDEO",
    "OFFER",
    "POSTER",
    "PROCESS_PHOTO",
    "PROCESS_VIDEO",
    "RENDER",
    "WARM",
    "Arrivals",
    "Avatars",
    "Chosen",
    "Delivery",
    "Elsewhere",
    "Erasing",
    "Granted",
    "Grants",
    "Growing",
    "Media",
    "Origins",
    "Processing",
    "Recipes",
    "Rendering",
    "Screening",
    "Served",
    "Sweeper",
    "Uploads",
    "Velocity",
    "Warming",
    "Workshop",
]
