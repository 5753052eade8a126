"""Real files of every kind that Tintype accepts, made in memory or by ffmpeg."""

from __future__ import annotations

import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pyvips

from tintype.codecs.model import CodecSettings
from tintype.codecs.worker import ffmpeg_program

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 40), (30, 50, 220), (230, 210, 30)
SHADES = ((200, 40, 40), (40, 170, 60), (50, 60, 200))
CORNERS = (RED, GREEN, BLUE, YELLOW)
PHOTO_KINDS = ("jpeg", "png", "webp", "avif", "gif", "heic")
WIDE, TALL = 64, 48
FILM_SECONDS = 1.0
# A single picture, or one every two seconds, is enough to see what a film shows.
_TEST_FILM = ("-f", "lavfi", "-i", "testsrc2=size={size}:rate={rate}:duration={seconds}")
_TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration={seconds}")


def quarters(width: int = WIDE, height: int = TALL) -> Any:
    """Four flat fields: red and green above, blue and yellow below."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    down, across = height // 2, width // 2
    pixels[:down, :across], pixels[:down, across:] = RED, GREEN
    pixels[down:, :across], pixels[down:, across:] = BLUE, YELLOW
    return picture(pixels)


def picture(pixels: Any) -> Any:
    """A pyvips image of its own memory from an array (height, width, bands)."""
    height, width, bands = pixels.shape
    flat = np.ascontiguousarray(pixels)
    names = {"uint8": "uchar", "uint16": "ushort"}
    image = pyvips.Image.new_from_memory(
        flat.tobytes(), width, height, bands, names[str(flat.dtype)]
    )
    if bands < 3:
        return image.copy(interpretation="b-w")
    return image.copy(interpretation="rgb16" if str(flat.dtype) == "uint16" else "srgb")


def photo(kind: str, image: Any | None = None) -> bytes:
    """The image as a file of this kind; without one, the four quarters."""
    image = quarters() if image is None else image
    if kind == "heic":
        return heic(image)
    savers: dict[str, tuple[str, dict[str, Any]]] = {
        "jpeg": (".jpg", {"Q": 92, "subsample_mode": "off"}),
        "png": (".png", {}),
        "webp": (".webp", {"Q": 92}),
        "avif": (".avif", {"compression": "av1", "Q": 85, "effort": 0}),
        "gif": (".gif", {}),
    }
    suffix, options = savers[kind]
    data: bytes = image.write_to_buffer(suffix, **options)
    return data


def heic(image: Any, **options: Any) -> bytes:
    """The image as iPhones write it: HEVC in a HEIF container."""
    import io

    mode = {3: "RGB", 4: "RGBA"}[image.bands]
    made = pillow_heif.from_bytes(mode, (image.width, image.height), image.write_to_memory())
    buffer = io.BytesIO()
    made.save(buffer, format="HEIF", quality=90, **options)
    return buffer.getvalue()


def animation(frames: int = 4, width: int = WIDE, height: int = TALL, kind: str = ".gif") -> bytes:
    """An animated GIF or WebP whose first frame is the four quarters; later ones are grey."""
    first = quarters(width, height)
    grey = first.new_from_image([90, 90, 90]).copy(interpretation="srgb")
    strip = pyvips.Image.arrayjoin([first, *[grey] * (frames - 1)], across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", height)
    strip.set_type(pyvips.GValue.array_int_type, "delay", [100] * frames)
    data: bytes = strip.write_to_buffer(kind)
    return data


def moving(kind: str, delays: list[int], width: int = 64, height: int = 48) -> bytes:
    """Frames of one colour each, the three shades over and over."""
    frames = []
    for number in range(len(delays)):
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        pixels[:] = SHADES[number % len(SHADES)]
        frames.append(picture(pixels))
    return strip(frames, delays, kind)


def strip(frames: list[Any], delays: list[int], kind: str) -> bytes:
    strip = pyvips.Image.arrayjoin(frames, across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", frames[0].height)
    strip.set_type(pyvips.GValue.array_int_type, "delay", delays)
    data: bytes = strip.write_to_buffer(kind)
    return data


def ultra_hdr(image: Any, said: bytes) -> bytes:
    """A JPEG with a gain map behind it, as phones write them (ISO 21496-1), full of notes."""
    plain = photo("jpeg", image)
    gain = photo("jpeg", image.thumbnail_image(image.width // 4).colourspace("b-w"))
    note = b"\xff\xfe" + struct.pack(">H", len(said) + 2) + said
    gain = gain[:2] + note + gain[2:]
    xmp = (
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
        b"xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/' hdrgm:Version='1.0'/></rdf:RDF>"
        b"<!-- " + said + b" --></x:xmpmeta>"
    )
    first = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    entries = struct.pack(">IIIHH", 0x030000, len(plain), 0, 0, 0)
    entries += struct.pack(">IIIHH", 0, len(gain), len(plain), 0, 0)
    index = b"MM\0*" + struct.pack(">IH", 8, 3)
    index += struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    index += struct.pack(">HHII", 0xB002, 7, len(entries), 50) + bytes(4) + entries
    pictures = b"MPF\0" + index
    second = b"\xff\xe2" + struct.pack(">H", len(pictures) + 2) + pictures
    return plain[:2] + first + second + plain[2:] + gain


def avif_sequence(path: Path) -> bytes:
    """An AVIF file of five pictures, a tenth of a second each, some 256 pixels wide."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=256x192:rate=10:duration=0.5")
    codec = ("-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-f", "avif")
    subprocess.run([ffmpeg(), "-v", "error", "-y", *source, *codec, str(path)], check=True)
    return path.read_bytes()


@cache
def ffmpeg() -> str:
    return str(ffmpeg_program(CodecSettings(scratch=Path())))


def film(path: Path, *, size: str = "320x240", rate: int = 12, **options: Any) -> Path:
    """A test film in the format of ``path``'s extension.

    ``seconds`` is its length, ``sound`` says whether it has any, ``output`` are options of ffmpeg,
    ``source`` replaces the pictures, ``first`` comes before the inputs.
    """
    seconds = options.get("seconds", FILM_SECONDS)
    words = {"size": size, "rate": str(rate), "seconds": f"{seconds:g}"}
    source = options.get("source", _TEST_FILM)
    order = [ffmpeg(), "-v", "error", "-nostdin", "-y", *options.get("first", ())]
    order += [word.format(**words) for word in source]
    if options.get("sound", True):
        order += [word.format(**words) for word in _TONE]
    codecs: tuple[str, ...] = ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus")
    if path.suffix != ".webm":
        codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    subprocess.run([*order, *codecs, *options.get("output", ()), str(path)], check=True)
    return path


def fitting_film(path: Path, **options: Any) -> Path:
    """A film that may stay as it is: H.264 High, AAC, small, a keyframe each second."""
    output = ("-profile:v", "high", "-b:v", "300k", "-g", "12", *options.pop("output", ()))
    return film(path, output=output, **options)


def turned(source: Path, path: Path, degrees: int) -> Path:
    """The same film with a display matrix, as phones note that they were held upright."""
    order = [ffmpeg(), "-v", "error", "-nostdin", "-y", "-display_rotation", str(degrees)]
    subprocess.run([*order, "-i", str(source), "-c", "copy", str(path)], check=True)
    return path


def looked_at(path: Path) -> Any:
    """A picture file as an array (height, width, bands) of 8-bit values."""
    return pyvips.Image.new_from_file(str(path)).numpy()


def colour(pixels: Any, down: float, across: float) -> tuple[int, ...]:
    """The mean colour of a small patch, at a share of height and width."""
    height, width = pixels.shape[:2]
    y, x = int(height * down), int(width * across)
    patch = pixels[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
    return tuple(int(value) for value in patch.reshape(-1, pixels.shape[2]).mean(axis=0).round())


def corner_colours(pixels: Any) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters, row by row."""
    return [colour(pixels, y, x) for y in (0.25, 0.75) for x in (0.25, 0.75)]


def apart(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The largest difference of two colours in any band."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
