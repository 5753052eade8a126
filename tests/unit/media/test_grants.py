from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.kernel.asking import asking
from tintype.kernel.clock import ManualClock
from tintype.media.service import Granted, Grants
from tintype.media.service.grants import GRANT_CHARACTERS

ADA, BO = 111, 222
HER_PHONE = 333
PHOTO, OTHER = 7 << 22, 8 << 22


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC))


@pytest.fixture
def grants(clock: ManualClock) -> Grants:
    return Grants(b"k" * 32, clock)


@contextmanager
def _asked_by(account: int, session: int) -> Iterator[None]:
    token = asking.set((account, session))
    yield
    asking.reset(token)


def test_a_grant_names_its_viewer(grants: Grants) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO)

    assert len(grant) == GRANT_CHARACTERS
    assert grants.granted_by(grant, upload=PHOTO) == Granted(viewer=ADA, session=None)


def test_a_grant_is_bound_to_the_session_that_asked_for_it(grants: Grants) -> None:
    with _asked_by(ADA, HER_PHONE):
        own = grants.make(viewer=ADA, upload=PHOTO)
        for_another = grants.make(viewer=BO, upload=PHOTO)

    assert grants.granted_by(own, upload=PHOTO) == Granted(viewer=ADA, session=HER_PHONE)
    assert grants.granted_by(for_another, upload=PHOTO) == Granted(viewer=BO, session=None)


def test_a_grant_is_of_no_use_for_another_upload(grants: Grants) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO)

    assert grants.granted_by(grant, upload=OTHER) is None


@pytest.mark.parametrize("place", range(GRANT_CHARACTERS))
def test_no_character_of_a_grant_can_be_changed(grants: Grants, place: int) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO)

    other = "B" if grant[place] == "A" else "A"
    forged = grant[:place] + other + grant[place + 1 :]

    assert grants.granted_by(forged, upload=PHOTO) is None


def test_another_server_does_not_take_the_grant(grants: Grants, clock: ManualClock) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO)

    assert Grants(b"x" * 32, clock).granted_by(grant, upload=PHOTO) is None


def test_a_grant_stays_the_same_for_five_minutes_and_ends_within_ten(
    grants: Grants, clock: ManualClock
) -> None:
    first = grants.make(viewer=ADA, upload=PHOTO)
    clock.advance(298)
    assert grants.make(viewer=ADA, upload=PHOTO) == first

    clock.advance(2)
    assert grants.make(viewer=ADA, upload=PHOTO) != first
    assert grants.granted_by(first, upload=PHOTO) is not None

    clock.advance(300)
    assert grants.granted_by(first, upload=PHOTO) is None


@given(st.text(max_size=80) | st.text("AZaz09-_=", min_size=48, max_size=48))
def test_nonsense_is_no_grant(text: str) -> None:
    grants = Grants(b"k" * 32, ManualClock(datetime(2026, 5, 1, tzinfo=UTC)))

    assert grants.granted_by(text, upload=PHOTO) is None
