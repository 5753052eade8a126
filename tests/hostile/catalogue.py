"""Every named hostile file, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec

from tests.hostile import (
    films,
    jpeg,
    metadata,
    pictures,
    playlists,
    png,
    polyglots,
    truncations,
)
from tests.hostile.canary import Cage
from tests.hostile.mutants import Mutant
from tests.unit.codecs import hostile as first_ones
from tintype.codecs import HEAD_BYTES, sniff

Fate = Literal["refused", "ready", "either"]
Files = dict[str, bytes]

_BY_SIZE = ("too-many-pixels", "too-long-side", "too-many-frames")


class Case(msgspec.Struct, frozen=True):
    """One hostile file. With ``codes``, a refusal must be one of these; ``film``: sent as one."""

    name: str
    group: str
    data: bytes
    fate: Fate = "either"
    codes: tuple[str, ...] = ()
    film: bool = False


class Group(msgspec.Struct, frozen=True):
    """Files of one kind of harm: ``stride`` says how many of them a quick run passes over."""

    files: Callable[[Cage], Files]
    fate: Fate = "either"
    codes: tuple[str, ...] = ()
    film: bool = False
    stride: int = 8


def _cageless(*parts: Callable[[], Files]) -> Callable[[Cage], Files]:
    return lambda _: {name: data for part in parts for name, data in part().items()}


def _first_photos(_: Cage) -> Files:
    return _told_apart("photos", first_ones.photos())


def _first_films(cage: Cage) -> Files:
    with TemporaryDirectory() as folder:
        return _told_apart("films", first_ones.films(Path(folder), cage.port))


def _told_apart(kind: str, files: Files) -> Files:
    """By names that no other group has."""
    return {f"{name}, of the first {kind}": data for name, data in files.items()}


GROUPS = {
    "too large": Group(
        _cageless(
            png.too_large,
            jpeg.too_large,
            pictures.gif_bombs,
            pictures.webp_bombs,
            pictures.heif_bombs,
        ),
        fate="refused",
        codes=_BY_SIZE,
        stride=4,
    ),
    "bombs": Group(_cageless(png.bombs), stride=3),
    "pictures": Group(
        _cageless(png.liars, jpeg.liars, pictures.gifs, pictures.webps, pictures.heifs), stride=12
    ),
    "films": Group(
        _cageless(films.numbers, films.trees, films.ebml, films.overlaps, films.odd),
        film=True,
        stride=20,
    ),
    "references": Group(films.references, film=True, stride=6),
    "playlists": Group(playlists.playlists, film=True, stride=6),
    "manifests": Group(playlists.keyed_playlists, fate="refused", film=True, stride=5),
    "programs": Group(playlists.programs, fate="refused", stride=4),
    "polyglots": Group(_cageless(polyglots.behind, polyglots.inside, polyglots.between), stride=12),
    "metadata": Group(_cageless(metadata.exif, metadata.xmp, metadata.profiles), stride=7),
    "cut short": Group(_cageless(truncations.cut_short), fate="refused", stride=9),
    "cut off": Group(_cageless(truncations.cut_off, truncations.one_byte_less), stride=20),
    "flipped": Group(_cageless(truncations.flipped), stride=10),
    "strangers": Group(
        _cageless(truncations.hardly_files, truncations.strangers), fate="refused", stride=8
    ),
    "the first photos": Group(_first_photos, stride=15),
    "the first films": Group(_first_films, film=True, stride=15),
}


def cases(cage: Cage, *, only: tuple[str, ...] = ()) -> Iterator[Case]:
    """Every named file, group by group, made when its group is reached."""
    for name, group in GROUPS.items():
        if not only or name in only:
            yield from _cases(name, group, group.files(cage))


def nastiest(cage: Cage, *, only: tuple[str, ...] = ()) -> Iterator[Case]:
    """Some of each group, for a run that takes no longer than a minute."""
    for name, group in GROUPS.items():
        if not only or name in only:
            chosen = list(_files_once(name, cage).items())[:: group.stride]
            yield from _cases(name, group, dict(chosen))


def case_of(mutant: Mutant) -> Case:
    return Case(
        mutant.name, "mutants", mutant.data, film=is_film(mutant.data, otherwise=mutant.film)
    )


def _cases(name: str, group: Group, files: Files) -> Iterator[Case]:
    for title, data in files.items():
        film = is_film(data, otherwise=group.film)
        yield Case(title, name, data, group.fate, group.codes, film=film)


@cache
def _files_once(name: str, cage: Cage) -> Files:
    return GROUPS[name].files(cage)


def is_film(data: bytes, *, otherwise: bool) -> bool:
    """A file is announced as what it begins like, so that it gets as far as it can."""
    kind = sniff(data[:HEAD_BYTES])
    return otherwise if kind is None else kind.is_video
