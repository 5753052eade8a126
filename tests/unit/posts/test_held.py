from __future__ import annotations

from tintype.posts.service.held import Held


def test_what_was_read_is_at_hand_until_it_is_dropped() -> None:
    held: Held[int, str] = Held(10)

    held.finish(held.begin([1, 2]), {1: "one", 2: "two"})
    held.drop([2, 3])

    assert held.values == {1: "one"}


def test_a_reading_from_before_a_change_is_not_kept() -> None:
    held: Held[int, str] = Held(10)

    fill = held.begin([1, 2])
    held.drop([1])
    held.finish(fill, {1: "old", 2: "two"})

    assert held.values == {2: "two"}


def test_a_value_brought_up_to_date_is_not_overwritten_by_an_older_reading() -> None:
    held: Held[int, list[str]] = Held(10)
    held.finish(held.begin([1]), {1: ["old"]})

    fill = held.begin([1])
    held.values[1].append("new")
    held.interrupt([1])
    held.finish(fill, {1: ["old"]})

    assert held.values == {1: ["old", "new"]}


def test_the_first_to_come_is_the_first_to_go_and_is_told_of() -> None:
    left: list[tuple[int, str]] = []
    held: Held[int, str] = Held(2, on_drop=lambda key, value: left.append((key, value)))

    for key in (1, 2, 3):
        held.finish(held.begin([key]), {key: str(key)})
    held.drop([3])

    assert held.values == {2: "2"}
    assert left == [(1, "1"), (3, "3")]
