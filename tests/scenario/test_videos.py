"""A video through the server: playable soon, better later, and never more than its viewer may."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio

from tests.media_rig import Rig, Uploader, eventually, open_rig
from tests.unit.codecs import originals
from tintype.media import MediaSettings

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path_factory.mktemp("server")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(rig: Rig) -> Uploader:
    return await rig.join("ada")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def film(ada: Uploader, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A clip as a camera writes it, sent, and everything made of it that ever will be."""
    path = tmp_path_factory.mktemp("film") / "clip.mov"
    fades = "-vf", "hue=H=t*1.5"
    source = originals.film(
        path, size="1280x720", rate=30, seconds=5, output=(*fades, "-pix_fmt", "yuv422p")
    )
    return await ada.ready(source.read_bytes(), "video/quicktime")


async def _text(rig: Rig, url: str) -> str:
    answer = await rig.fetch(url)
    assert answer.status_code == 200, url
    return answer.text


def _beside(url: str, name: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{name}"


async def test_a_ready_video_tells_how_to_play_it(rig: Rig, film: Any) -> None:
    slide = film["slide"]

    master = await rig.fetch(slide["hls"])
    whole = await rig.fetch(slide["mp4"], Range="bytes=0-99")

    assert (slide["width"], slide["height"], film["progress"]) == (1280, 720, None)
    assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert whole.status_code == 206
    assert whole.headers["content-type"] == "video/mp4"
    assert slide["poster"] in [each["url"] for each in slide["renditions"]]


async def test_the_ladder_is_complete_after_the_second_job(rig: Rig, film: Any) -> None:
    master = await _text(rig, film["slide"]["hls"])

    sizes = re.findall(r"RESOLUTION=(\d+x\d+)", master)
    assert sizes == ["1280x720", "960x540", "640x360"]
    assert master.count('AUDIO="audio"') == 3
    assert all("avc1." in codecs for codecs in re.findall(r'CODECS="(.*?)"', master))


async def test_every_address_in_a_playlist_is_a_name_in_the_same_folder(
    rig: Rig, film: Any
) -> None:
    url = film["slide"]["hls"]
    named = re.compile(r"[0-9a-f]{32}\.(m3u8|mp4)")
    playlists = set(re.findall(r"[0-9a-f]+\.m3u8", await _text(rig, url)))

    assert len(playlists) == 4
    for name in playlists:
        lines = (await _text(rig, _beside(url, name))).splitlines()
        told = [line for line in lines if line and not line.startswith("#")]
        told += re.findall(r'URI="(.*?)"', "\n".join(lines))
        assert told
        assert all(named.fullmatch(each) for each in told)


async def test_the_pieces_of_all_rungs_begin_at_the_same_times(
    rig: Rig, film: Any, tmp_path: Path
) -> None:
    url = film["slide"]["hls"]
    playlists = re.findall(r"^([0-9a-f]+\.m3u8)$", await _text(rig, url), re.MULTILINE)
    times = set()

    for name in playlists:
        text = await _text(rig, _beside(url, name))
        track = tmp_path / "track.mp4"
        track.write_bytes((await rig.fetch(_beside(url, re.findall(r"\w+\.mp4", text)[0]))).content)
        with av.open(str(track)) as opened:
            keys = [
                float(each.pts * each.time_base)
                for each in opened.demux(video=0)
                if each.pts is not None and each.is_keyframe
            ]
        times.add(tuple(round(each - keys[0], 2) for each in keys))

    assert times == {(0.0, 2.0, 4.0)}


async def test_pieces_by_their_byte_ranges_are_what_a_player_decodes(
    rig: Rig, film: Any, tmp_path: Path
) -> None:
    url = film["slide"]["hls"]
    name = re.findall(r"^([0-9a-f]+\.m3u8)$", await _text(rig, url), re.MULTILINE)[-1]
    text = await _text(rig, _beside(url, name))
    track = _beside(url, re.findall(r"\w+\.mp4", text)[0])
    init = re.findall(r'BYTERANGE="(\d+)@(\d+)"', text)
    pieces = re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", text)

    joined = b""
    for length, start in [*init, pieces[-1]]:
        span = f"bytes={start}-{int(start) + int(length) - 1}"
        answer = await rig.fetch(track, Range=span)
        assert (answer.status_code, len(answer.content)) == (206, int(length))
        joined += answer.content

    alone = tmp_path / "piece.mp4"
    alone.write_bytes(joined)
    with av.open(str(alone)) as opened:
        assert len([each for each in opened.decode(video=0) if not each.is_corrupt]) == 30


async def test_the_sheet_of_small_pictures_has_one_for_every_second(rig: Rig, film: Any) -> None:
    url = film["slide"]["sprite"]
    answer = await rig.fetch(url)

    cues = re.findall(r"^(\w+\.jpg)#xywh=(\d+),(\d+),(\d+),(\d+)$", answer.text, re.MULTILINE)
    sheet = await rig.fetch(_beside(url, cues[0][0]))

    assert answer.headers["content-type"].startswith("text/vtt")
    assert [tuple(map(int, each[1:])) for each in cues] == [
        (160 * at, 0, 160, 90) for at in range(5)
    ]
    assert sheet.headers["content-type"] == "image/jpeg"


async def test_the_owner_may_choose_the_poster_and_only_that_is_made_anew(
    rig: Rig, ada: Uploader, film: Any, tmp_path: Path
) -> None:
    upload = int(film["id"])
    before = set(await rig.kept())

    async with rig.database.write() as tx:
        await rig.media.media.choose_posters(tx, {upload: 4.0})
    await rig.settle()

    slide = (await ada.read(film["id"]))["slide"]
    assert slide["poster"] != film["slide"]["poster"]
    assert (slide["mp4"], slide["hls"]) == (film["slide"]["mp4"], film["slide"]["hls"])
    assert {
        each for each in set(await rig.kept()) - before if each.endswith((".mp4", ".m3u8"))
    } == (set())
    picture = tmp_path / "poster.jpg"
    picture.write_bytes((await rig.fetch(slide["poster"])).content)
    (tmp_path / "film.mp4").write_bytes((await rig.fetch(slide["mp4"])).content)
    with av.open(str(tmp_path / "film.mp4")) as opened:
        frames = opened.decode(video=0)
        wanted = next(each for each in frames if (each.time or 0) >= 4).to_ndarray(
            format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709"
        )
    shown = originals.looked_at(picture)
    for down, across in ((0.1, 0.2), (0.5, 0.4), (0.8, 0.9)):
        found = originals.colour(shown, down, across)
        assert originals.apart(found, originals.colour(wanted, down, across)) <= 30


async def test_the_progress_of_a_video_is_told_while_it_is_converted(
    rig: Rig, ada: Uploader, tmp_path: Path
) -> None:
    source = originals.film(
        tmp_path / "long.webm", size="1280x720", rate=30, seconds=8, output=("-b:v", "4M")
    )
    upload = await ada.upload(source.read_bytes(), "video/webm")
    told: set[int] = set()

    await ada.complete(upload)

    async def through() -> bool:
        shown = await ada.read(upload)
        told.add(shown["progress"])
        return bool(shown["state"] == "ready")

    await eventually(through, seconds=110)
    assert max(each or 0 for each in told) > 0
    assert (await ada.read(upload))["progress"] is None


async def test_what_many_like_gets_a_rung_in_av1_where_the_operator_wants_it(
    tmp_path: Path,
) -> None:
    async with open_rig(tmp_path, settings=MediaSettings(av1=True)) as rig:
        ada = await rig.join("ada")
        source = originals.film(tmp_path / "clip.webm", size="1280x720", rate=10, seconds=1)
        film = await ada.ready(source.read_bytes(), "video/webm")
        before = film["slide"]["hls"]

        async with rig.database.write() as tx:
            await rig.media.media.warming.ask(tx, [int(film["id"])])
        await rig.settle()

        slide = (await ada.read(film["id"]))["slide"]
        master = await _text(rig, slide["hls"])
        codecs = re.findall(r'CODECS="([^,"]*)', master)
        assert any(each.startswith("av01.0.") for each in codecs)
        assert any(each.startswith("avc1.") for each in codecs)
        assert (await rig.fetch(before)).status_code == 200
