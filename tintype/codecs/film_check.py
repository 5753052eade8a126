"""Looking at a finished track again: whole in its structure, whole in its first and last group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tintype.codecs.film_rungs import Frame


def seconds_of(path: Path, frame: Frame | None) -> float:
    """How long a track of our own is, having made sure that it is one.

    Every packet is read; the first and the last group of pictures are decoded, and no fault is
    forgiven. With a ``frame`` the track must show pictures of that size, without one it is sound.

    Raises:
        ValueError: it is not what was meant.
    """
    import av

    options = {"protocol_whitelist": "file"}
    try:
        with av.open(str(path), "r", format="mov", container_options=options) as file:
            return _checked(file, file.streams[0], frame)
    except (av.error.FFmpegError, IndexError) as error:
        raise ValueError(f"{path.name} does not decode") from error


def _checked(file: Any, stream: Any, frame: Frame | None) -> float:
    stream.codec_context.options = {"err_detect": "explode"}
    starts, end = _groups(file, stream)
    for number in {0, len(starts) - 1}:
        until = starts[number + 1] if number + 1 < len(starts) else end
        file.seek(starts[number], stream=stream)
        seen = 0
        for picture in file.decode(stream):
            if picture.is_corrupt or (frame and (picture.width, picture.height) != _size(frame)):
                raise ValueError("a picture is not what was meant")
            seen += 1
            if picture.pts is not None and picture.pts >= until:
                break
        if not seen:
            raise ValueError("a group shows nothing")
    return float((end - starts[0]) * stream.time_base)


def _groups(file: Any, stream: Any) -> tuple[list[int], int]:
    """The times of all keyframes, and the end of the last packet, in the track's own clock."""
    starts: list[int] = []
    end = 0
    for packet in file.demux(stream):
        if packet.pts is None:
            continue
        if packet.is_corrupt:
            raise ValueError("a packet is damaged")
        if packet.is_keyframe:
            starts.append(packet.pts)
        end = max(end, packet.pts + (packet.duration or 0))
    if not starts:
        raise ValueError("no keyframe")
    return starts, end


def _size(frame: Frame) -> tuple[int, int]:
    return frame.width, frame.height
