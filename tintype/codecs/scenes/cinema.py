"""Painted films: a slow pan over a painted scene, with a chord that swells and fades."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import numpy as np

from tintype.codecs.model import CodecSettings
from tintype.codecs.scenes.gallery import paint
from tintype.codecs.worker import ffmpeg_program

_RATE = 30
_MARGIN = 0.25
_CHORDS = ((220, 277, 330), (196, 247, 294), (262, 330, 392), (175, 220, 262))


def paint_video(seed: int, seconds: float, width: int, height: int, path: Path) -> None:
    """Write an MP4 (H.264, AAC) of 30 pictures a second to ``path``.

    ``width`` and ``height`` must be even.

    Raises:
        CalledProcessError: ffmpeg refused.
    """
    wide, tall = round(width * (1 + _MARGIN)), round(height * (1 + _MARGIN))
    scene = np.ascontiguousarray(paint(seed, wide, tall).numpy())
    ffmpeg = ffmpeg_program(CodecSettings(scratch=path.parent))
    tones = "+".join(f"0.1*sin(2*PI*{tone}*t)" for tone in _CHORDS[seed % len(_CHORDS)])
    swell = f"({tones})*sin(PI*t/{seconds:g})"
    order = [
        *(str(ffmpeg), "-hide_banner", "-nostdin", "-v", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(_RATE)),
        *("-i", "pipe:0", "-f", "lavfi", "-i", f"aevalsrc={swell}:d={seconds:g}:s=44100"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-g", "60"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
        *("-c:a", "aac", "-b:a", "96k", "-shortest", "-movflags", "+faststart", "-f", "mp4"),
        str(path),
    ]
    with subprocess.Popen(order, stdin=subprocess.PIPE) as process:  # noqa: S603 - no shell
        if process.stdin is None:
            raise ValueError("no pipe to ffmpeg")
        frames = max(1, round(seconds * _RATE))
        # Its status tells why it hung up. Closed in here: what is still to be flushed breaks, too.
        with contextlib.suppress(BrokenPipeError), contextlib.closing(process.stdin) as pipe:
            for frame in range(frames):
                share = 0.5 - 0.5 * np.cos(np.pi * frame / frames)
                left, top = int((wide - width) * share), int((tall - height) * (1 - share))
                pipe.write(scene[top : top + height, left : left + width].tobytes())
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, order)
