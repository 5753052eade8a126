from __future__ import annotations

from tintype.feed.model import Run
from tintype.feed.service.recent import Recent

ADA, BO, CY = 1, 2, 3


def test_posts_come_newest_first_whatever_order_they_came_in() -> None:
    recent = Recent()
    for post in (20, 40, 30, 40):
        recent.add(ADA, post)

    assert recent.run(ADA, 100, 10) == Run([40, 30, 20], 0)
    assert recent.run(ADA, 40, 1) == Run([30], 29)


def test_what_had_to_go_raises_the_authors_floor() -> None:
    recent = Recent(kept=2)
    for post in (10, 20, 30):
        recent.add(ADA, post)
    recent.add(ADA, 5)

    assert recent.run(ADA, 100, 10) == Run([30, 20], 10)


def test_only_authors_with_posts_are_among_the_asked() -> None:
    recent = Recent()
    recent.add(ADA, 10)
    recent.add(BO, 11)

    assert set(recent.among({ADA, CY})) == {ADA}
    assert set(recent.among({ADA, BO, CY, 4, 5})) == {ADA, BO}
    assert bool(recent)
    assert not bool(Recent())


def test_a_discarded_post_is_forgotten_and_its_author_with_the_last() -> None:
    recent = Recent()
    recent.add(ADA, 10)
    recent.add(ADA, 20)

    recent.discard(ADA, 10)
    recent.discard(ADA, 10)
    assert recent.run(ADA, 100, 10) == Run([20], 0)

    recent.discard(ADA, 20)
    recent.discard(BO, 20)
    assert ADA not in recent


def test_the_author_who_published_longest_ago_goes_first() -> None:
    recent = Recent(authors=2)
    recent.add(ADA, 10)
    recent.add(BO, 11)
    recent.add(ADA, 12)

    recent.add(CY, 13)

    assert (ADA in recent, BO in recent, CY in recent) == (True, False, True)
