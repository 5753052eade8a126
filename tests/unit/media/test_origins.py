from __future__ import annotations

import re
from collections import Counter

import pytest
from pydantic import ValidationError

from tintype.kernel.links import ENCODED_HERE
from tintype.media import MediaSettings
from tintype.media.model import Cdn
from tintype.media.service import Origins
from tintype.media.service.origins import choose_edge

HERE = "https://photos.example"
A, B = "https://a.example", "https://b.example"
FILE = f"/media/7/{'0' * 32}.jpg"


class Answers:
    """CDNs that answer until a test says otherwise."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.asked: Counter[str] = Counter()

    async def fetch(self, url: str, headers: dict[str, str]) -> int:
        del headers
        self.asked[url] += 1
        base = url.removesuffix("/media/alive")
        if base in self.away:
            raise ConnectionRefusedError
        return 200


def _origins(answers: Answers | None = None, **settings: str) -> Origins:
    found = MediaSettings.model_validate(settings)
    return Origins(found, (answers or Answers()).fetch)


def _view(*paths: str) -> bytes:
    return b",".join(b'"' + ENCODED_HERE + path.encode() + b'"' for path in paths)


def _bases(encoded: bytes) -> list[str]:
    return re.findall(r'"(https?://[^/"]+)', encoded.decode())


def test_without_settings_every_address_is_that_of_this_server() -> None:
    encoded = _origins().addressed(_view(FILE, "/v1/posts/7"), HERE)

    assert _bases(encoded) == [HERE, HERE]


def test_an_origin_has_the_files_and_nothing_else() -> None:
    paths = (FILE, f"/media/g/abc_-/7/{'0' * 32}.mp4", "/media/auto/7", "/media/g/abc/auto/7")

    encoded = _origins(origin=A).addressed(_view(*paths, "/v1/posts/7", "/media"), HERE)

    assert _bases(encoded) == [A, A, A, A, HERE, HERE]


def test_text_that_looks_like_an_address_stays_as_it_is() -> None:
    text = b'"' + HERE.encode() + FILE.encode() + b'"'

    assert _origins(origin=A).addressed(text, HERE) == text


def test_all_files_of_an_upload_are_at_one_place_and_uploads_are_spread() -> None:
    origins = _origins(cdns=f"{A}, {B}")

    same = _bases(origins.addressed(_view(*(f"/media/7/{n:032x}.jpg" for n in range(20))), HERE))
    spread = _bases(origins.addressed(_view(*(f"/media/{n}/a.jpg" for n in range(400))), HERE))

    assert len(set(same)) == 1
    assert set(spread) == {A, B}


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_places_have_their_share_and_keep_what_they_had_when_another_leaves(weight: float) -> None:
    edges = [Cdn(A, weight), Cdn(B, 1.0), Cdn("https://c.example", 1.0)]
    contents = [b"%d" % number for number in range(6_000)]

    before = [choose_edge(edges, content).address for content in contents]
    after = [choose_edge(edges[:2], content).address for content in contents]

    share = Counter(before)[A] / len(contents)
    assert abs(share - weight / (weight + 2)) < 0.03
    assert all(new == old for old, new in zip(before, after, strict=True) if old in {A, B})


async def test_a_cdn_leaves_after_three_failures_and_returns_after_two_answers() -> None:
    answers = Answers()
    origins = _origins(answers, cdns=f"{A},{B}", origin="https://own.example")
    view = _view(*(f"/media/{number}/a.jpg" for number in range(50)))
    moves: list[int] = []
    origins.on_moved(lambda: moves.append(1))
    seen = []

    for away in ({B}, {B}, {B}, set(), {B}, set(), set()):
        answers.away = set(away)
        await origins.probe()
        seen.append(B in _bases(origins.addressed(view, HERE)))

    assert seen == [True, True, False, False, False, False, True]
    assert len(moves) == 2


async def test_without_any_cdn_files_come_from_the_own_origin() -> None:
    answers = Answers()
    origins = _origins(answers, cdns=A, origin="https://own.example")
    alone = _origins(answers, cdns=A)
    answers.away = {A}

    for _ in range(3):
        await origins.probe()
        await alone.probe()

    assert _bases(origins.addressed(_view(FILE), HERE)) == ["https://own.example"]
    assert _bases(alone.addressed(_view(FILE), HERE)) == [HERE]


def test_weights_are_read_from_the_setting() -> None:
    settings = MediaSettings(cdns=f" {A}*2.5, {B},")

    assert settings.edges == (Cdn(A, 2.5), Cdn(B, 1.0))


@pytest.mark.parametrize(
    "wrong", ["media.example", f"{A}/path", f"{A}/", f"{A}*0", f"{A}*much", "ftp://a.example"]
)
def test_what_is_no_base_address_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        MediaSettings(cdns=wrong)
