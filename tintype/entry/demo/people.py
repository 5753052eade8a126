"""Who lives in the demo and what they say. The pictures are painted, the people invented."""

from __future__ import annotations

from dataclasses import dataclass, field

PASSWORD = "tintype-demo"  # noqa: S105 - printed for everybody, on an instance that is thrown away


@dataclass(frozen=True)
class Shot:
    """One slide: the scene that is painted and what it shows."""

    scene: str
    alt: str
    wide: bool = False


@dataclass(frozen=True)
class Story:
    """One post: its slides, its caption and what others say under it."""

    author: str
    caption: str
    shots: tuple[Shot, ...] = ()
    film_seconds: float = 0.0
    comments: tuple[tuple[str, str], ...] = ()
    likes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resident:
    """Somebody in the demo."""

    handle: str
    name: str
    bio: str
    follows: tuple[str, ...] = ()
    private: bool = False
    avatar: str = field(default="portrait")


PEOPLE = (
    Resident("you", "You", "Just arrived.", ("mira", "jonas", "aiko", "lena", "tomas")),
    Resident(
        "mira",
        "Mira Sol",
        "Mountains before breakfast.\nFilm, mostly.",
        ("jonas", "aiko", "you", "tomas"),
    ),
    Resident("jonas", "Jonas Berg", "Fjords, ferries, coffee.", ("mira", "lena", "you")),
    Resident(
        "aiko", "Aiko Tan", "Ink and paper. Prints on request.", ("mira", "lena"), avatar="ink"
    ),
    Resident(
        "lena",
        "Lena Marsh",
        "Gardener. #macro",
        ("mira", "jonas", "aiko", "tomas"),
        avatar="flower",
    ),
    Resident("tomas", "Tomás Rey", "Desert roads.", ("mira", "you"), avatar="dunes"),
    Resident("noor", "Noor Haddad", "For friends only.", ("mira",), private=True),
)

STORIES = (
    Story(
        "tomas",
        "Four hours of nothing, then this. #dunes #light",
        (Shot("dunes", "Wind-ribbed dunes under a high sun"),),
        comments=(("mira", "The ripples!"), ("lena", "Worth four hours.")),
        likes=("mira", "lena"),
    ),
    Story(
        "lena",
        "First dahlia of the year. Swipe for its neighbours. #macro #garden",
        (
            Shot("flower", "A dahlia in full bloom, seen from above"),
            Shot("bokeh", "Lights out of focus behind the greenhouse", wide=True),
        ),
        comments=(("aiko", "May I draw this one?"), ("lena", "@aiko please do!")),
        likes=("aiko", "jonas", "mira"),
    ),
    Story(
        "jonas",
        "The lake did not move all morning.",
        (Shot("lake", "Firs and hills mirrored in a still lake", wide=True),),
        comments=(("tomas", "I would have stayed, too."),),
        likes=("mira", "tomas", "lena", "aiko"),
    ),
    Story(
        "aiko",
        "Study no. 41. #ink",
        (Shot("ink", "Ink spreading in water"), Shot("ink", "The same study, a minute later")),
        comments=(("mira", "41! Show us the other forty."),),
        likes=("lena", "mira"),
    ),
    Story(
        "mira",
        "Up at four for this, and I would do it again. #dawn #mountains",
        (
            Shot("mountains", "Ridges fading into the morning haze"),
            Shot("sea", "The coast on the way back", wide=True),
            Shot("portrait", "A friend, squinting at the sun"),
        ),
        comments=(
            ("jonas", "Which ridge is that?"),
            ("mira", "@jonas the north one, above the hut"),
            ("tomas", "Next time wake me."),
        ),
        likes=("jonas", "tomas", "lena", "aiko"),
    ),
    Story(
        "jonas",
        "Six seconds of the night ferry. Sound on? There is none.",
        film_seconds=6.0,
        comments=(("lena", "Hypnotic."),),
        likes=("lena", "mira"),
    ),
    Story(
        "mira",
        "It was green, then violet, then gone. #aurora #night",
        (Shot("aurora", "Northern lights above dark mountains"),),
        comments=(("aiko", "Paper can not do this."), ("jonas", "Mine can only do ferries.")),
        likes=("aiko", "jonas", "lena", "tomas"),
    ),
)
