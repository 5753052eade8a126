from __future__ import annotations

import pytest

from tintype.kernel.problem import Invalid
from tintype.posts.model import (
    Draft,
    DraftSlide,
    PostChanges,
    PostSlide,
    check_caption,
    check_comment,
    check_draft,
    normal_tag,
    rearranged,
)

SLIDES = [PostSlide(1, "one"), PostSlide(2, "two"), PostSlide(3, "")]


def _pointer(problem: Invalid) -> object:
    errors = problem.extensions["errors"]
    assert isinstance(errors, list)
    return errors[0].pointer


@pytest.mark.parametrize(
    ("caption", "accepted"),
    [
        ("x" * 2200, True),
        ("x" * 2201, False),
        (" ".join(f"#tag{n}" for n in range(30)), True),
        (" ".join(f"#tag{n}" for n in range(31)), False),
        (" ".join(f"@a{n}" for n in range(31)), False),
        ("bell\x07", False),
    ],
)
def test_a_caption_has_limits_that_are_exact(caption: str, accepted: bool) -> None:
    if accepted:
        assert check_caption(caption) == caption
    else:
        with pytest.raises(Invalid) as refused:
            check_caption(caption)
        assert _pointer(refused.value) == "/caption"


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 1001])
def test_a_comment_says_something_in_a_thousand_characters(text: str) -> None:
    with pytest.raises(Invalid):
        check_comment(text)

    assert check_comment("x" * 1000 + "  ") == "x" * 1000


@pytest.mark.parametrize("count", [0, 21])
def test_a_draft_has_one_to_twenty_slides(count: int) -> None:
    with pytest.raises(Invalid) as refused:
        check_draft(Draft([DraftSlide(n) for n in range(count)]))

    assert _pointer(refused.value) == "/slides"


def test_a_refused_alt_text_is_pointed_at_by_its_place() -> None:
    slides = [DraftSlide(1), DraftSlide(2, "x" * 1001)]

    with pytest.raises(Invalid) as refused:
        check_draft(Draft(slides))

    assert _pointer(refused.value) == "/slides/1/alt"


def test_slides_take_new_alt_texts_and_another_order() -> None:
    wanted = PostChanges(alt={2: " deux "}, order=[3, 1, 2])

    changed = rearranged(SLIDES, wanted)

    assert changed == [PostSlide(3, ""), PostSlide(1, "one"), PostSlide(2, "deux")]
    assert rearranged(SLIDES, PostChanges()) == SLIDES


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        (PostChanges(order=[1, 2]), "/order"),
        (PostChanges(order=[1, 2, 2]), "/order"),
        (PostChanges(order=[1, 2, 4]), "/order"),
        (PostChanges(alt={4: "four"}), "/alt/4"),
        (PostChanges(alt={1: "x" * 1001}), "/alt/1"),
    ],
)
def test_an_edit_names_slides_that_are_there_each_once(changes: PostChanges, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        rearranged(SLIDES, changes)

    assert _pointer(refused.value) == pointer


def test_a_tag_is_the_same_however_it_is_typed() -> None:
    assert {normal_tag(tag) for tag in ("#Café", "cafe\u0301", "CAFÉ")} == {"café"}
