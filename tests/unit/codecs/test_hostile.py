"""Every hostile file ends in a sentence for its sender or in clean renditions, and soon."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
import pyvips

from tests.hostile.canary import Canary
from tests.hostile.memory import Scales
from tests.unit.codecs import hostile, originals
from tintype.codecs import Codecs, PhotoResult, Rejected, VideoResult

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 45.0
MEMORY_BYTES = 700 * hostile.MEGABYTE
AT_ONCE = 2

Process = Callable[[Path, Path], Awaitable[PhotoResult | VideoResult]]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def scales() -> AsyncIterator[Scales]:
    """Up before the first decoder starts."""
    async with Scales() as standing:
        yield standing


@pytest.fixture(autouse=True)
def bounded_memory(scales: Scales) -> Iterator[None]:
    """No decoder, nor the ffmpeg below it, ever held more than this."""
    yield
    assert scales.weigh() <= MEMORY_BYTES


async def _verdicts(
    process: Process, files: Mapping[str, bytes], folder: Path
) -> dict[str, Rejected | PhotoResult | VideoResult]:
    """What became of each file; any other exception is let through."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def judge(place: int, data: bytes) -> Rejected | PhotoResult | VideoResult:
        source = folder / f"hostile-{place}"
        source.write_bytes(data)
        async with turns:
            began = time.monotonic()
            try:
                return await process(source, folder / f"out-{place}")
            except Rejected as verdict:
                return verdict
            finally:
                assert time.monotonic() - began < PATIENCE_S

    judged = await asyncio.gather(*(judge(*each) for each in enumerate(files.values())))
    return dict(zip(files, judged, strict=True))


def _is_sound(verdict: Rejected | PhotoResult | VideoResult) -> bool:
    """A sentence that a person understands, or renditions that can all be looked at."""
    if isinstance(verdict, Rejected):
        plain = not [
            word for word in ("Error", "errno", "/", "0x", "None") if word in verdict.sentence
        ]
        return plain and verdict.sentence.endswith(".") and " " in verdict.sentence
    pictures = verdict.poster if isinstance(verdict, VideoResult) else verdict.renditions
    for made in pictures:
        image = pyvips.Image.new_from_file(str(made.path), fail_on="warning")
        assert (image.width, image.height) == (made.width, made.height)
        assert hostile.SCRIPT not in made.path.read_bytes()
    return bool(pictures)


def _unsound(verdicts: Mapping[str, Rejected | PhotoResult | VideoResult]) -> list[str]:
    return [f"{name}: {verdict}" for name, verdict in verdicts.items() if not _is_sound(verdict)]


def _accepted(verdicts: Mapping[str, Rejected | PhotoResult | VideoResult]) -> set[str]:
    return {name for name, verdict in verdicts.items() if not isinstance(verdict, Rejected)}


HARMLESS_PHOTOS = {
    "a png of 50 000 notes",
    "a gif of 800 pictures",
    "a webp of 300 pictures",
    "a jpeg whose notes go in circles",
    "a jpeg with an empty profile of 65 kB",
    "a jpeg that is a zip too",
    "a png that is a page too",
    "a jpeg with a script inside",
    "a gif that is a script too",
    "a jpeg that is a program too",
    "a gif without end",
    "a gif that claims a large screen",
    "a jpeg that claims 49 megapixels",
    "a png whose data unpacks for ever",
}
TOO_LARGE = {
    "a png of 144 megapixels",
    "a png that claims 900 megapixels",
    "a jpeg that claims 4 gigapixels",
}


@pytest.mark.slow
async def test_no_photo_does_harm(codecs: Codecs, tmp_path: Path) -> None:
    files = hostile.photos()
    assert len(files) >= 40

    verdicts = await _verdicts(codecs.process_photo, files, tmp_path)

    assert not _unsound(verdicts)
    assert _accepted(verdicts) == HARMLESS_PHOTOS
    codes = {name: getattr(verdicts[name], "code", "") for name in TOO_LARGE}
    assert codes == dict.fromkeys(TOO_LARGE, "too-many-pixels")


# What lies beside the pictures is not believed: the data of a film are in the film.
HARMLESS_FILMS = {
    "a film of four pixels",
    "a film that claims to last for days",
    "a film that claims 256 megapixels",
    "a film that claims no pixels",
    "a film whose data are on the network",
    "a film whose data are another file",
}
CODES = {
    "a film of 18 tracks": "too-many-streams",
    "a film of a thousand pictures a second": "too-many-frames",
    "a film of 67 megapixels": "too-many-pixels",
    "a film of hours": "too-long",
    "a film without pictures": "no-picture",
    "a film in a format of old": "unsupported-codec",
    "a playlist of files": "unknown-kind",
}


@pytest.mark.slow
async def test_no_film_does_harm_or_calls_anybody(
    codecs: Codecs, tmp_path: Path, canary: Canary
) -> None:
    files = hostile.films(tmp_path, canary.port)
    assert len(files) >= 30

    verdicts = await _verdicts(codecs.process_video, files, tmp_path)

    assert not _unsound(verdicts)
    assert _accepted(verdicts) == HARMLESS_FILMS
    assert {name: getattr(verdicts[name], "code", "") for name in CODES} == CODES
    assert canary.visits() == 0


async def test_the_canary_would_have_noticed(canary: Canary) -> None:
    with socket.create_connection(("127.0.0.1", canary.port)):
        pass

    assert canary.visits() == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", originals.PHOTO_KINDS)
async def test_a_photo_that_breaks_off_anywhere_is_told_as_damaged(
    codecs: Codecs, tmp_path: Path, kind: str
) -> None:
    data = originals.photo(kind, originals.quarters(200, 150))
    cuts = {f"{share} ‰": data[: len(data) * share // 1000] for share in (20, 400, 900)}

    verdicts = await _verdicts(codecs.process_photo, cuts, tmp_path)

    assert not _unsound(verdicts)
    assert not _accepted(verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm"])
async def test_a_film_that_breaks_off_anywhere_is_told_as_damaged(
    codecs: Codecs, tmp_path: Path, suffix: str
) -> None:
    options = () if suffix == "webm" else ("-movflags", "+faststart")
    whole = originals.film(tmp_path / f"film.{suffix}", size="64x48", seconds=8, output=options)
    data = whole.read_bytes()
    cuts = {f"{share} ‰": data[: len(data) * share // 1000] for share in (5, 50, 600)}

    verdicts = await _verdicts(codecs.process_video, cuts, tmp_path)

    assert not _unsound(verdicts)
    assert not _accepted(verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", originals.PHOTO_KINDS)
async def test_mutants_of_photos_are_survived(codecs: Codecs, tmp_path: Path, kind: str) -> None:
    data = originals.photo(kind)
    made = hostile.mutants(originals.PHOTO_KINDS.index(kind), data, 28)

    verdicts = await _verdicts(
        codecs.process_photo, {str(place): each for place, each in enumerate(made)}, tmp_path
    )

    assert len(verdicts) == 28
    assert not _unsound(verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm"])
async def test_mutants_of_films_are_survived(codecs: Codecs, tmp_path: Path, suffix: str) -> None:
    film = originals.film(tmp_path / f"film.{suffix}", size="64x48", seconds=0.3)
    made = hostile.mutants(len(suffix), film.read_bytes(), 12)

    verdicts = await _verdicts(
        codecs.process_video, {str(place): each for place, each in enumerate(made)}, tmp_path
    )

    assert len(verdicts) == 12
    assert not _unsound(verdicts)
