"""The words that docs/glossary.md rules out."""

import re

from tests.house import tree

PAGE = tree.ROOT / "docs" / "glossary.md"

# Names that other people's interfaces fix for us.
GIVEN = {
    "user_agent": "the HTTP header",
    "sasl_username": "the name of the setting in every client of Kafka",
    "AbstractSet": "collections.abc.Set beside the built-in one, as the standard library calls it",
    "impl": "what SQLAlchemy calls the type below a decorated one",
    "load_dialect_impl": "the same, for one database",
    "BroadcastChannel": "what browsers call that by which tabs talk",
}


def banned_words() -> set[str]:
    """The last column of the glossary's table, without the words marked ° and the explanations."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    cells = [row.strip("|").split("|")[-1] for row in rows[1:]]
    words = [word.strip() for cell in cells for word in cell.split(",")]
    return {word for word in words if word.isalpha()}


def words(identifier: str) -> set[str]:
    """The words of an identifier in any spelling, in the singular."""
    parts = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*", identifier)
    lowered = {part.lower() for part in parts}
    return {
        word if word.endswith("ss") or len(word) < 4 else word.removesuffix("s") for word in lowered
    }
