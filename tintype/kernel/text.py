"""Text that people type: normalised, bounded, without control characters."""

from __future__ import annotations

import re
import unicodedata

_CONTROLS = {"Cc", "Cs", "Co", "Cn"}
_TAG = re.compile(r"(?<![\w&#/])#(\w{1,100})")
_MENTION = re.compile(
    r"(?<![\w@/.])@([a-z0-9_](?:[a-z0-9_.]{0,28}[a-z0-9_])?)(?![\w@])", re.IGNORECASE
)


def clean_text(text: str, longest: int) -> str:
    """Text of several lines in NFC, trimmed; at most ``longest`` characters.

    Raises:
        ValueError: too long, or it holds control characters.
    """
    cleaned = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(cleaned) > longest:
        message = f"at most {longest} characters, this has {len(cleaned)}"
        raise ValueError(message)
    if any(
        unicodedata.category(character) in _CONTROLS and character not in "\n\t"
        for character in cleaned
    ):
        message = "control characters are not accepted"
        raise ValueError(message)
    return cleaned


def clean_line(text: str, longest: int) -> str:
    """Text of one line in NFC, trimmed; at most ``longest`` characters.

    Raises:
        ValueError: too long, or it holds line breaks or control characters.
    """
    cleaned = clean_text(text, longest)
    if "\n" in cleaned or "\t" in cleaned:
        message = "one line only"
        raise ValueError(message)
    return cleaned


def hashtags(text: str) -> list[str]:
    """The distinct hashtags of a text, case-folded, in order; a tag holds at least one letter."""
    found = (tag.casefold() for tag in _TAG.findall(text) if not tag.isdigit())
    return list(dict.fromkeys(found))


def mentions(text: str) -> list[str]:
    """The distinct handles mentioned in a text, lower case, in order."""
    return list(dict.fromkeys(handle.lower() for handle in _MENTION.findall(text)))
