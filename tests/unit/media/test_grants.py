from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tintype.kernel.clock import ManualClock
from tintype.media.service import Grants

ADA, BO = 111, 222
PHOTO, OTHER = 7 << 22, 8 << 22


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC))


@pytest.fixture
def grants(clock: ManualClock) -> Grants:
    return Grants(b"k" * 32, clock)


def test_a_grant_names_its_viewer(grants: Grants) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO, name="a.jpg")

    assert grants.viewer_in(grant, upload=PHOTO, name="a.jpg") == ADA


def test_a_grant_is_of_no_use_for_another_file(grants: Grants) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO, name="a.jpg")

    assert grants.viewer_in(grant, upload=PHOTO, name="b.jpg") is None
    assert grants.viewer_in(grant, upload=OTHER, name="a.jpg") is None


def test_a_grant_can_not_be_given_to_somebody_else(grants: Grants) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO, name="a.jpg")

    forged = f"{BO:x}." + grant.split(".", 1)[1]

    assert grants.viewer_in(forged, upload=PHOTO, name="a.jpg") is None


def test_a_grant_can_not_be_prolonged(grants: Grants) -> None:
    viewer, expires, mac = grants.make(viewer=ADA, upload=PHOTO, name="a.jpg").split(".")

    longer = f"{viewer}.{int(expires, 16) + 300:x}.{mac}"

    assert grants.viewer_in(longer, upload=PHOTO, name="a.jpg") is None


def test_another_server_does_not_take_the_grant(grants: Grants, clock: ManualClock) -> None:
    grant = grants.make(viewer=ADA, upload=PHOTO, name="a.jpg")

    assert Grants(b"x" * 32, clock).viewer_in(grant, upload=PHOTO, name="a.jpg") is None


def test_a_grant_stays_the_same_for_five_minutes_and_ends_within_ten(
    grants: Grants, clock: ManualClock
) -> None:
    first = grants.make(viewer=ADA, upload=PHOTO, name="a.jpg")
    clock.advance(298)
    assert grants.make(viewer=ADA, upload=PHOTO, name="a.jpg") == first

    clock.advance(2)
    assert grants.make(viewer=ADA, upload=PHOTO, name="a.jpg") != first
    assert grants.viewer_in(first, upload=PHOTO, name="a.jpg") == ADA

    clock.advance(300)
    assert grants.viewer_in(first, upload=PHOTO, name="a.jpg") is None


@given(st.text(max_size=80))
def test_nonsense_is_no_grant(text: str) -> None:
    grants = Grants(b"k" * 32, ManualClock(datetime(2026, 5, 1, tzinfo=UTC)))

    assert grants.viewer_in(text, upload=PHOTO, name="a.jpg") is None
