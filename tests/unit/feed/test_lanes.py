"""Whose turn it is, when more is to be delivered than timelines take at once."""

from __future__ import annotations

from collections import Counter

from tintype.feed.model import Lane, Task
from tintype.feed.service.lanes import Lanes

ADA, BO, CY = 1, 2, 3
CHUNK = 100


def _post(author: int, number: int) -> Task:
    return Task(Lane.LO, author, number)


def _carry(lanes: Lanes, chunks: int, *, cost: int = CHUNK, done: bool = True) -> list[Task]:
    """Who had the next turns."""
    carried = []
    for _ in range(chunks):
        task = lanes.turn()
        assert task is not None
        carried.append(task)
        lanes.settle(task, cost, None if done else task)
    return carried


def test_nothing_in_hand_means_nobodys_turn() -> None:
    assert Lanes().turn() is None


def test_an_author_who_posts_much_and_one_who_posts_once_take_turns() -> None:
    lanes = Lanes(quantum=CHUNK)
    lanes.add(_post(ADA, number) for number in range(50))
    lanes.add([_post(BO, 99)])

    assert BO in [task.owner for task in _carry(lanes, 2)]


def test_a_long_post_keeps_its_author_no_longer_than_a_short_one() -> None:
    lanes = Lanes(quantum=CHUNK)
    lanes.add([_post(ADA, 1), _post(BO, 2), _post(CY, 3)])

    turns = Counter(task.owner for task in _carry(lanes, 30, done=False))

    assert turns == {ADA: 10, BO: 10, CY: 10}


def test_who_makes_small_chunks_gets_more_of_them() -> None:
    lanes = Lanes(quantum=CHUNK)
    lanes.add([_post(ADA, 1), _post(BO, 2)])
    delivered: Counter[int] = Counter()
    for _ in range(1_000):
        task = lanes.turn()
        assert task is not None
        cost = 10 if task.owner == ADA else CHUNK
        delivered[task.owner] += cost
        lanes.settle(task, cost, task)

    assert abs(delivered[ADA] - delivered[BO]) <= 2 * CHUNK


def test_lanes_share_by_their_weights_and_one_alone_has_all() -> None:
    lanes = Lanes(quantum=CHUNK)
    lanes.add([_post(ADA, 1), Task(Lane.BACKFILL, BO, CY)])

    turns = Counter(task.lane for task in _carry(lanes, 300, done=False))

    assert turns == {Lane.LO: 200, Lane.BACKFILL: 100}
    alone = Lanes(quantum=CHUNK)
    alone.add([Task(Lane.BACKFILL, BO, CY)])
    assert len(_carry(alone, 20, done=False)) == 20


def test_a_lane_that_was_empty_has_saved_nothing_up() -> None:
    lanes = Lanes(quantum=CHUNK)
    lanes.add([_post(ADA, 1)])
    _carry(lanes, 100, done=False)
    lanes.add([Task(Lane.BACKFILL, BO, number) for number in range(100)])

    turns = Counter(task.lane for task in _carry(lanes, 30, done=False))

    assert turns[Lane.BACKFILL] <= 12


def test_what_is_in_hand_is_not_taken_up_twice() -> None:
    lanes = Lanes()
    lanes.add([_post(ADA, 1)])
    lanes.add([_post(ADA, 1)._replace(after=7)])

    assert len(lanes) == 1
    assert _carry(lanes, 1) == [_post(ADA, 1)]
    assert lanes.turn() is None


def test_small_authors_go_first_until_they_had_their_part() -> None:
    lanes = Lanes(quantum=CHUNK)
    lanes.add([_post(ADA, 1)])
    seen = [lanes.crowded]
    with lanes.urgent():
        _carry(lanes, 1, cost=300, done=False)
        seen.append(lanes.crowded)
        lanes.served(499)
        seen.append(lanes.crowded)
        lanes.served(1)
        seen.append(lanes.crowded)
        _carry(lanes, 1, cost=300, done=False)
    seen.append(lanes.crowded)

    assert seen == [False, True, True, False, False]


def test_what_is_forgotten_can_be_taken_up_again() -> None:
    lanes = Lanes()
    lanes.add([_post(ADA, 1)])

    lanes.forget()

    assert lanes.turn() is None
    lanes.add([_post(ADA, 1)])
    assert lanes.turn() == _post(ADA, 1)
