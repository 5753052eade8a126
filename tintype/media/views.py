from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.codecs import HEAD_BYTES, LEAST_SIDE, LOOK_NAMES, SLIDERS, Limits, LookName, Recipe
from tintype.kernel.clock import to_rfc3339
from tintype.kernel.ids import timestamp_ms
from tintype.kernel.links import HERE
from tintype.media.model import (
    DOWNLOAD,
    FILM,
    LONGEST_FILENAME,
    LOOP,
    MASTERS,
    PART_BYTES,
    PHOTO_TYPES,
    PICTURES,
    PLAIN,
    UPLOAD_MS,
    VIDEO_TYPES,
    Kind,
    MediaSettings,
    ObjectState,
    Rendition,
    State,
    Tier,
    Upload,
    part_count,
)
from tintype.ports.blobs import PART_URL_SECONDS, SignedPart, StoredPart


class RenditionView(msgspec.Struct, frozen=True):
    format: str
    width: int
    height: int
    url: str


class FocalPoint(msgspec.Struct, frozen=True):
    """What must stay in sight when a picture is cropped: shares of its width and height, from the
    upper left corner.
    """

    x: float
    y: float


class SlideView(msgspec.Struct, frozen=True):
    """One photo or video, with everything a client needs to lay it out before it loads.

    ``width`` and ``height`` are the original's pixels, upright; ``duration`` is in seconds;
    ``thumbhash`` is base64. ``alt`` and ``focal`` belong to the post and are filled in there.
    Of a video, ``hls`` is the adaptive film, ``mp4`` the same in one size for players without it,
    and ``sprite`` a WebVTT text that names small pictures to show while seeking.
    ``animated`` tells of a photo that it moves: ``mp4`` is to be shown without controls, silent and
    over and over again. ``original`` is where it can be downloaded as it was sent, if its author
    offers that. ``auto`` is one address for whoever can not choose among ``renditions``: it answers
    with the one that fits the caller, at ``?w=`` pixels of the screen.
    """

    id: str
    kind: Kind
    width: int
    height: int
    renditions: list[RenditionView]
    alt: str = ""
    duration: float | None = None
    thumbhash: str | None = None
    poster: str | None = None
    mp4: str | None = None
    hls: str | None = None
    sprite: str | None = None
    focal: FocalPoint | None = None
    animated: bool = False
    original: str | None = None
    auto: str | None = None

    def in_post(self, alt: str, focal: tuple[float, float] | None) -> SlideView:
        """The slide as a post of its author shows it."""
        point = None if focal is None else FocalPoint(*focal)
        return msgspec.structs.replace(self, alt=alt, focal=point)


class PartView(msgspec.Struct, frozen=True):
    number: int
    bytes: int
    etag: str


class NewUploadView(msgspec.Struct, frozen=True):
    """How the file is to be cut: ``part_count`` parts of ``part_size`` bytes, the last shorter."""

    id: str
    part_size: int
    part_count: int
    expires_at: str


class UploadView(msgspec.Struct, frozen=True):
    """An upload as its owner sees it; ``parts`` are the ones that need not be sent again.

    ``sha256`` is the hash of what arrived, once the server has read it. ``retryable`` tells, of one
    that failed, that the same file may succeed: complete it again where ``reason_code`` is
    ``gave-up``, else send it anew. ``progress`` is how much of a video is converted, in percent,
    while it is being processed. ``recipe`` is how its owner wants a photo to be shown, if not as it
    is; while ``rendering``, ``slide`` still shows it by an earlier one, and after a failure
    ``reason`` tells why it goes on to. ``unedited`` is where its owner finds an edited photo as it
    was.
    """

    id: str
    state: State
    content_type: str
    bytes: int
    part_size: int
    part_count: int
    parts: list[PartView]
    expires_at: str
    filename: str | None = None
    sha256: str | None = None
    reason: str | None = None
    reason_code: str | None = None
    retryable: bool = False
    progress: int | None = None
    recipe: Recipe | None = None
    rendering: bool = False
    unedited: str | None = None
    slide: SlideView | None = None


class UploadSummary(msgspec.Struct, frozen=True):
    """One's own upload in a list; which parts arrived is told by the upload itself.

    ``post_id`` is the post that waits for it, or shows it.
    """

    id: str
    state: State
    content_type: str
    bytes: int
    filename: str | None
    begun_at: str
    expires_at: str
    post_id: str | None


class OriginalView(msgspec.Struct, frozen=True):
    """Where the original of an upload is.

    ``state`` is ``resting``, ``moving`` or ``restoring``; one whose ``tier`` is ``cold`` can be had
    after about ``seconds``.
    """

    tier: Tier
    state: ObjectState
    bytes: int
    seconds: int | None = None


class SignedPartView(msgspec.Struct, frozen=True):
    """Where and how to send one part; after ``expires_at`` ask again."""

    url: str
    method: str
    headers: dict[str, str]
    expires_at: str


class TextLimits(msgspec.Struct, frozen=True):
    """Characters that texts may have, slides of a post, and names in a caption."""

    slides: int
    caption: int
    comment: int
    alt: int
    bio: int
    display_name: int
    tags: int
    mentions: int
    handle: int
    email: int
    password: int
    password_least: int


class QuotaView(msgspec.Struct, frozen=True):
    """Bytes of stored media."""

    used: int
    limit: int


class SliderView(msgspec.Struct, frozen=True):
    """What a slider of a recipe may be; 0 leaves the photo as it is."""

    name: str
    least: float
    most: float


class RecipeLimits(msgspec.Struct, frozen=True):
    """What a recipe may hold: looks in the order in which they are offered, and sliders.

    ``least_side`` is the smallest share of a photo's width or height that a crop may leave.
    """

    looks: list[LookName]
    sliders: list[SliderView]
    least_side: float


class LimitsView(TextLimits, frozen=True, kw_only=True):
    """Everything that this server enforces on files and texts, for clients to check beforehand.

    Sizes are in bytes. ``pixels`` and ``side`` (the longer one) hold for photos and for a video's
    picture, ``video_frame_rate`` is in pictures per second. ``head_bytes`` is how much of a file's
    beginning is worth sending along when its upload is begun: with it the server tells at once
    what it has against the file.
    """

    photo_bytes: int
    video_bytes: int
    photo_types: list[str]
    video_types: list[str]
    part_size: int
    filename: int
    head_bytes: int
    open_uploads: int
    upload_seconds: int
    part_address_seconds: int
    pixels: int
    side: int
    video_seconds: float
    video_frame_rate: float
    video_tracks: int
    recipe: RecipeLimits
    quota: QuotaView | None = None


def limits_view(settings: MediaSettings, texts: TextLimits, quota: QuotaView | None) -> LimitsView:
    files = Limits()
    return LimitsView(
        photo_bytes=settings.photo_bytes,
        video_bytes=settings.video_bytes,
        photo_types=list(PHOTO_TYPES),
        video_types=list(VIDEO_TYPES),
        part_size=PART_BYTES,
        filename=LONGEST_FILENAME,
        head_bytes=HEAD_BYTES,
        open_uploads=settings.open_uploads,
        upload_seconds=UPLOAD_MS // 1000,
        part_address_seconds=PART_URL_SECONDS,
        pixels=files.pixels,
        side=files.side,
        video_seconds=files.seconds,
        video_frame_rate=files.frame_rate,
        video_tracks=files.streams,
        recipe=RecipeLimits(
            looks=list(LOOK_NAMES),
            sliders=[SliderView(name, least, 1) for name, least in SLIDERS.items()],
            least_side=LEAST_SIDE,
        ),
        quota=quota,
        **msgspec.structs.asdict(texts),
    )


def new_upload_view(upload: Upload) -> NewUploadView:
    return NewUploadView(
        id=str(upload.id),
        part_size=upload.part_bytes,
        part_count=part_count(upload.bytes, upload.part_bytes),
        expires_at=to_rfc3339(upload.expires_ms),
    )


def upload_view(
    upload: Upload,
    parts: Sequence[StoredPart] = (),
    slide: SlideView | None = None,
    unedited: str | None = None,
) -> UploadView:
    return UploadView(
        id=str(upload.id),
        state=upload.state,
        content_type=upload.content_type,
        bytes=upload.bytes,
        part_size=upload.part_bytes,
        part_count=part_count(upload.bytes, upload.part_bytes),
        parts=[PartView(number=each.number, bytes=each.bytes, etag=each.etag) for each in parts],
        expires_at=to_rfc3339(upload.expires_ms),
        filename=upload.filename,
        sha256=upload.sha256,
        reason=upload.reason,
        reason_code=upload.reason_code,
        retryable=upload.retryable,
        progress=upload.progress,
        recipe=None if upload.recipe is None else Recipe.read(upload.recipe),
        rendering=upload.stale and upload.reason_code is None,
        unedited=unedited,
        slide=slide,
    )


def upload_summary(upload: Upload) -> UploadSummary:
    of_post = upload.subject is not None and upload.subject.isdigit()
    return UploadSummary(
        id=str(upload.id),
        state=upload.state,
        content_type=upload.content_type,
        bytes=upload.bytes,
        filename=upload.filename,
        begun_at=to_rfc3339(timestamp_ms(upload.id)),
        expires_at=to_rfc3339(upload.expires_ms),
        post_id=upload.subject if of_post else None,
    )


def signed_part_view(signed: SignedPart) -> SignedPartView:
    return SignedPartView(
        url=HERE + signed.url if signed.url.startswith("/") else signed.url,
        method=signed.method,
        headers=signed.headers,
        expires_at=to_rfc3339(signed.expires_at_ms),
    )


GRANT_PLACE = "-"
"""Stands in addresses that were made for nobody in particular, where a grant is to be put."""


def media_place(upload: Upload, grant: str | None = None) -> str:
    """Where the files of an upload are; what they name beside themselves is there too."""
    return f"{_media_root(grant)}/{upload.id}"


def _media_root(grant: str | None) -> str:
    return f"{HERE}/media" if grant is None else f"{HERE}/media/g/{grant}"


def unedited_url(upload: Upload, renditions: Sequence[Rendition], grant: str) -> str | None:
    """The address of an edited photo as it was; the ``grant`` is its owner's."""
    plain = [each for each in renditions if each.rung == PLAIN]
    return f"{media_place(upload, grant)}/{plain[0].name}" if plain else None


def avatar_url(upload: Upload, renditions: Sequence[Rendition]) -> str:
    """The address of the smallest JPEG: avatars are small, and every client shows JPEG."""
    pictures = [each for each in renditions if each.format == "jpeg" and each.rung != PLAIN]
    return f"{media_place(upload)}/{min(pictures, key=lambda each: each.width).name}"


def slide_view(upload: Upload, renditions: Sequence[Rendition], grant: str | None) -> SlideView:
    """The slide; the addresses of one that not everybody may see carry the ``grant``."""
    pictures = [each for each in renditions if each.format in PICTURES and each.rung.isdigit()]
    films = [each for each in renditions if each.format == "mp4" and each.rung in {FILM, LOOP}]
    masters = [each for each in renditions if each.rung in MASTERS]
    master = max(masters, key=lambda each: each.rung, default=None)
    cues = [each for each in renditions if each.format == "vtt"]
    place = media_place(upload, grant)
    urls = {each.name: f"{place}/{each.name}" for each in renditions}
    posters = [each for each in pictures if each.format == "jpeg"] if films else []
    offered = [each for each in renditions if each.rung == DOWNLOAD] if upload.offered else []
    return SlideView(
        id=str(upload.id),
        kind=upload.kind,
        width=upload.width,
        height=upload.height,
        renditions=[
            RenditionView(
                format=each.format, width=each.width, height=each.height, url=urls[each.name]
            )
            for each in pictures
        ],
        duration=upload.duration,
        thumbhash=upload.thumbhash,
        poster=urls[posters[-1].name] if posters else None,
        mp4=urls[films[0].name] if films else None,
        hls=urls[master.name] if master else None,
        sprite=urls[cues[0].name] if cues else None,
        animated=upload.animated,
        original=urls[offered[0].name] if offered else None,
        auto=f"{_media_root(grant)}/auto/{upload.id}" if pictures else None,
    )
