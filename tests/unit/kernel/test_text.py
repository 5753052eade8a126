from __future__ import annotations

import pytest

from tintype.kernel.links import HERE
from tintype.kernel.text import clean_line, clean_text, hashtags, mentions


def test_text_is_normalised_and_trimmed() -> None:
    assert clean_text("  e\u0301\r\nnext ", 20) == "é\nnext"


@pytest.mark.parametrize("text", ["\x00", HERE, "bell\x07", "\x1b[31m", "\ud800"])
def test_control_characters_are_refused_and_with_them_the_mark_for_our_address(text: str) -> None:
    with pytest.raises(ValueError, match="control"):
        clean_text(text + "x", 20)


def test_a_line_has_no_line_breaks_and_every_text_a_longest_length() -> None:
    with pytest.raises(ValueError, match="one line"):
        clean_line("a\nb", 20)
    with pytest.raises(ValueError, match="at most 3 characters, this has 4"):
        clean_text("four", 3)


def test_hashtags_are_found_once_folded_and_not_inside_words_or_links() -> None:
    text = "#Dawn and #dawn, #été #2024 a#b https://x.example/#c &#39; #a_1"

    assert hashtags(text) == ["dawn", "été", "a_1"]


def test_mentions_are_handles_and_not_mail_addresses() -> None:
    assert mentions("hi @Ada, @bo.b. and x@example.com @ada (@cy)") == ["ada", "bo.b", "cy"]
