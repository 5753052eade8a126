"""What the headers must promise before a pixel is decoded, and the sentences when they do not."""

from __future__ import annotations

from tintype.codecs.model import Limits, Rejected

_MEGA = 1_000_000
_MINUTE = 60


def check_size(width: int, height: int, limits: Limits, noun: str = "photo") -> None:
    """Refuse pictures that are too large to decode.

    Raises:
        Rejected: ``no-picture``, ``too-many-pixels`` or ``too-long-side``.
    """
    if width < 1 or height < 1:
        raise Rejected("no-picture", f"This {noun} has no pixels.")
    if width * height > limits.pixels:
        allowed = f"{limits.pixels / _MEGA:g} megapixels"
        raise Rejected(
            "too-many-pixels", f"This {noun} is {width} × {height} pixels; the limit is {allowed}."
        )
    if max(width, height) > limits.side:
        raise Rejected(
            "too-long-side",
            f"This {noun} is {width} × {height} pixels; a side may have {limits.side} at most.",
        )


def check_animation(width: int, height: int, frames: int, limits: Limits) -> None:
    """Refuse photos that move for too long, or are too large to.

    Raises:
        Rejected: ``too-many-frames`` or ``too-many-pixels``.
    """
    if frames > limits.frames:
        raise Rejected(
            "too-many-frames",
            f"This animation has {frames} frames; the limit is {limits.frames}.",
        )
    if frames > 1 and width * height * frames > limits.animation_pixels:
        allowed = f"{limits.animation_pixels / _MEGA:g} megapixels together"
        raise Rejected(
            "too-many-pixels",
            f"This animation has {frames} frames of {width} × {height} pixels; "
            f"the limit is {allowed}.",
        )


def check_duration(seconds: float, limits: Limits) -> None:
    """Refuse films that are too long.

    Raises:
        Rejected: ``too-long``.
    """
    if seconds > limits.seconds:
        raise Rejected(
            "too-long",
            f"This video lasts {_clock(seconds)}; the limit is {_clock(limits.seconds)}.",
        )


def check_frame_rate(rate: float, limits: Limits) -> None:
    """Refuse more pictures per second than allowed, one more forgiven for uneven recording.

    Raises:
        Rejected: ``too-many-frames``.
    """
    if rate > limits.frame_rate + 1:
        raise Rejected(
            "too-many-frames",
            f"This video has {rate:.0f} pictures per second; the limit is {limits.frame_rate:g}.",
        )


def check_streams(count: int, limits: Limits) -> None:
    """Refuse files with more tracks than any camera writes.

    Raises:
        Rejected: ``too-many-streams``.
    """
    if count > limits.streams:
        raise Rejected(
            "too-many-streams",
            f"This video file has {count} tracks; the limit is {limits.streams}.",
        )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
