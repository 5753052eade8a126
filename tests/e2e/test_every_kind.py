"""Every kind of file that is accepted, from its bytes to a browser: right in colour, and upright.

Each is painted, and written as phones, cameras and programs write it. What the browser shows is
compared with what was painted, quarter by quarter.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import pyvips

from tests.e2e.browser import PASSWORD, Visitor
from tests.e2e.neighbours import sign_in
from tests.trust.server import ServerProcess
from tests.unit.codecs import grids, originals
from tintype.codecs.scenes import paint
from tintype.entry.demo.client import Client

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.asyncio(loop_scope="session"),
]

WIDE, TALL = 512, 384
NEAR = 14
_AT_ONCE = 4

# The mean colour of each quarter of a picture, as the screen has it, row by row.
_SEEN = """async picture => {
    await picture.decode();
    const canvas = new OffscreenCanvas(2, 2);
    const pen = canvas.getContext('2d');
    pen.imageSmoothingQuality = 'high';
    const whole = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
    whole.getContext('2d').drawImage(picture, 0, 0);
    const at = (x, y) => {
        const [w, h] = [whole.width / 2, whole.height / 2];
        const data = whole.getContext('2d').getImageData(x * w, y * h, w, h).data;
        const sum = [0, 0, 0];
        for (let i = 0; i < data.length; i++) if (i % 4 < 3) sum[i % 4] += data[i];
        return sum.map(each => Math.round(each * 4 / data.length));
    };
    return [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
}"""


def scene() -> Any:
    return paint(4, WIDE, TALL).copy_memory()


def _deep(image: Any) -> bytes:
    data: bytes = originals.picture(image.numpy().astype(np.uint16) * 257).pngsave_buffer()
    return data


def _sideways(image: Any) -> bytes:
    """As a phone stores what it took upright: lying down, with a note about it."""
    lying = image.rot270().copy()
    lying.set_type(pyvips.GValue.gint_type, "orientation", 6)
    data: bytes = lying.jpegsave_buffer(Q=92, keep="exif")
    return data


def _moving(kind: str) -> Callable[[Any], bytes]:
    return lambda image: originals.strip([image, image.flip("horizontal")], [400, 400], kind)


PHOTOS: dict[str, Callable[[Any], bytes]] = {
    "progressive JPEG": lambda image: image.jpegsave_buffer(Q=92, interlace=True),
    "JPEG on its side": _sideways,
    "JPEG in Display P3": lambda image: image.icc_transform(
        "p3", input_profile="srgb"
    ).jpegsave_buffer(Q=92, keep="icc"),
    "JPEG in printing inks": lambda image: image.icc_transform(
        "cmyk", input_profile="srgb"
    ).jpegsave_buffer(Q=95, keep="icc"),
    "Ultra HDR": lambda image: originals.ultra_hdr(image, b"noted"),
    "HEIC": originals.heic,
    "HEIC in tiles": grids.grid,
    "AVIF": lambda image: originals.photo("avif", image),
    "PNG of 16 bits": _deep,
    "PNG": lambda image: originals.photo("png", image),
    "WebP": lambda image: originals.photo("webp", image),
    "animated GIF": _moving(".gif"),
    "animated WebP": _moving(".webp"),
}
LOOPS = ("animated GIF", "animated WebP")
_HLG = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
_UNEVEN = "setpts='if(lt(N,8),N/30,8/30+(N-8)/10)/TB'"
FILMS: dict[str, tuple[str, dict[str, Any]]] = {
    "MOV in HEVC and HDR": (
        "film.mov",
        {
            "output": (
                *("-vf", f"scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le,{_HLG}"),
                *("-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"),
            )
        },
    ),
    "MP4 of uneven rate": (
        "film.mp4",
        {"rate": 30, "output": ("-vf", _UNEVEN, "-fps_mode", "vfr")},
    ),
    "silent MP4": ("film.mp4", {"sound": False}),
    "WebM": ("film.webm", {}),
}
_TYPES = {".mov": "video/quicktime", ".mp4": "video/mp4", ".webm": "video/webm"}


@dataclass(frozen=True)
class Posted:
    """Whose posts they are, and the post of each kind of file."""

    author: Client
    posts: dict[str, str]


def _written(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Every file, and the type that a browser would announce."""
    image = scene()
    files = {name: (write(image), "image/jpeg") for name, write in PHOTOS.items()}
    for number, (name, (file, options)) in enumerate(FILMS.items()):
        place = folder / str(number)
        place.mkdir()
        path = originals.film(place / file, **{"size": "480x360", **options})
        files[name] = (path.read_bytes(), _TYPES[path.suffix])
    upright = originals.fitting_film(folder / "lying.mp4", size="480x360")
    turned = originals.turned(upright, folder / "portrait.mp4", 90)
    files["portrait MP4"] = (turned.read_bytes(), "video/mp4")
    return files


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def posted(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Posted:
    files = await asyncio.to_thread(_written, tmp_path_factory.mktemp("kinds"))
    visitor = Client(server.base_url)
    body = {"handle": "ada", "email": "ada@example.com", "password": PASSWORD}
    author = visitor.as_account(visitor.call("POST", "/v1/accounts", body)["token"])
    turns = asyncio.Semaphore(_AT_ONCE)

    async def share(name: str, data: bytes, kind: str) -> tuple[str, str]:
        def send() -> str:
            slides = [{"upload_id": author.upload(data, kind), "alt": name}]
            made = author.call("POST", "/v1/posts", {"caption": name, "slides": slides})["post"]
            author.wait_for_post(made["id"])
            return str(made["id"])

        async with turns:
            return name, await asyncio.to_thread(send)

    found = await asyncio.gather(*(share(name, *file) for name, file in files.items()))
    return Posted(author, dict(found))


async def test_every_photo_is_seen_as_it_was_painted(posted: Posted, ada: Visitor) -> None:
    await sign_in(ada, "ada", then="/")
    painted = [
        [int(value.avg()) for value in quarter.bandsplit()]
        for quarter in (
            scene().crop(x * WIDE // 2, y * TALL // 2, WIDE // 2, TALL // 2)
            for y in (0, 1)
            for x in (0, 1)
        )
    ]
    wrong: dict[str, Any] = {}

    for name in (name for name in PHOTOS if name not in LOOPS):
        await ada.open(f"/p/{posted.posts[name]}")
        picture = ada.page.get_by_alt_text(name, exact=True).first
        seen = await picture.evaluate(_SEEN)
        if np.abs(np.array(seen) - np.array(painted)).max() > NEAR:
            wrong[name] = seen

    assert wrong == {}, painted


async def test_what_moves_is_shown_as_a_silent_film(posted: Posted, ada: Visitor) -> None:
    for name in LOOPS:
        await ada.open(f"/p/{posted.posts[name]}")
        await ada.until("film => film.videoWidth > 0 && film.muted", ada.page.locator("main video"))


async def test_every_kind_of_film_plays(posted: Posted, ada: Visitor) -> None:
    for name in (*FILMS, "portrait MP4"):
        await ada.open(f"/p/{posted.posts[name]}")
        video = ada.page.get_by_label(name, exact=True)
        await ada.until("film => film.videoWidth > 0 && film.currentTime > 0.1", video)
        tall = await video.evaluate("film => film.videoHeight > film.videoWidth")
        assert tall == (name == "portrait MP4"), name


async def test_sound_alone_is_refused_with_a_reason(posted: Posted, tmp_path: Path) -> None:
    song = tmp_path / "song.mp4"
    order = [originals.ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "sine=duration=1"]
    subprocess.run([*order, "-c:a", "aac", str(song)], check=True)  # noqa: ASYNC221 - a moment
    upload = await asyncio.to_thread(posted.author.upload, song.read_bytes(), "video/mp4")

    async with asyncio.timeout(60):
        while (told := posted.author.call("GET", f"/v1/uploads/{upload}"))["state"] != "failed":
            assert told["state"] == "processing"
            await asyncio.sleep(0.1)

    assert told["reason_code"] == "no-picture"
    assert told["reason"]


async def test_they_are_pictured_in_the_grid_and_in_the_feed(
    posted: Posted, ada: Visitor, bo: Visitor
) -> None:
    everything = """[...document.querySelectorAll('main img')].every(one => {
        const { top, bottom } = one.getBoundingClientRect();
        return bottom < 0 || top > innerHeight || (one.complete && one.naturalWidth > 0);
    })"""
    await ada.open("/@ada")
    await ada.until("document.querySelectorAll('main a[href^=\"/p/\"] img').length >= 12")
    await ada.page.mouse.wheel(0, 250)
    await ada.until(everything)
    await ada.shoot("50-every-kind")
    await sign_in(bo, "ada", then="/")
    for number in range(4):
        await bo.until(everything)
        await bo.shoot(f"51-every-kind-{number}")
        await bo.page.evaluate("scrollBy(0, 2400)")

    assert len(posted.posts) == len(PHOTOS) + len(FILMS) + 1
