"""Who may do what to whom, as one table: every kind of viewer against every kind of account."""

from __future__ import annotations

import pytest

from tintype.graph import Action, RelationSets, Standing, can

ME, THEM = 1, 2

PUBLIC = Standing(id=THEM, live=True, private=False)
PRIVATE = Standing(id=THEM, live=True, private=True)
GONE = Standing(id=THEM, live=False, private=False)

STRANGER = RelationSets(ME, frozenset([ME]), frozenset([ME]))
FOLLOWER = RelationSets(ME, frozenset([ME, THEM]), frozenset([ME, THEM]))
BLOCKING = RelationSets(ME, frozenset([ME]), frozenset([ME]), hidden=frozenset([THEM]))
BLOCKED = RelationSets(
    ME, frozenset([ME]), frozenset([ME]), hidden=frozenset([THEM]), barred_by=frozenset([THEM])
)
MUTING = RelationSets(ME, frozenset([ME]), frozenset([ME]), muted=frozenset([THEM]))

PROFILE, OPEN = Action.SEE_PROFILE, Action.OPEN_PROFILE
POSTS, LISTS = Action.SEE_POSTS, Action.SEE_LISTS
SEEING = {PROFILE, OPEN, POSTS, LISTS}
EVERYTHING = set(Action)

TABLE = [
    ("nobody", None, "public", PUBLIC, SEEING),
    ("nobody", None, "private", PRIVATE, {PROFILE, OPEN}),
    ("nobody", None, "gone", GONE, set()),
    ("stranger", STRANGER, "public", PUBLIC, EVERYTHING),
    ("stranger", STRANGER, "private", PRIVATE, EVERYTHING - {POSTS, LISTS}),
    ("stranger", STRANGER, "gone", GONE, set()),
    ("follower", FOLLOWER, "public", PUBLIC, EVERYTHING),
    ("follower", FOLLOWER, "private", PRIVATE, EVERYTHING),
    ("follower", FOLLOWER, "gone", GONE, set()),
    ("blocking", BLOCKING, "public", PUBLIC, {Action.BLOCK, OPEN}),
    ("blocking", BLOCKING, "private", PRIVATE, {Action.BLOCK, OPEN}),
    ("blocking", BLOCKING, "gone", GONE, set()),
    ("blocked", BLOCKED, "public", PUBLIC, {Action.BLOCK}),
    ("blocked", BLOCKED, "private", PRIVATE, {Action.BLOCK}),
    ("blocked", BLOCKED, "gone", GONE, set()),
    ("muting", MUTING, "public", PUBLIC, EVERYTHING),
]


@pytest.mark.parametrize(
    ("viewer", "subject", "allowed"),
    [(viewer, subject, allowed) for _, viewer, _, subject, allowed in TABLE],
    ids=[f"{who}-{whom}" for who, _, whom, _, _ in TABLE],
)
def test_a_viewer_may_do_exactly_what_the_table_says(
    viewer: RelationSets | None, subject: Standing, allowed: set[Action]
) -> None:
    assert {action for action in Action if can(viewer, action, subject)} == allowed


@pytest.mark.parametrize("private", [False, True])
def test_everybody_sees_the_own_account_and_can_do_nothing_else_to_it(private: bool) -> None:
    own = Standing(id=ME, live=True, private=private)

    assert {action for action in Action if can(STRANGER, action, own)} == SEEING
