"""What a person corrected holds from there on; what the tracker found after it counts again."""

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.common.state import base_revision, correction, differences, effective_state

AT = "2026-01-01"


def tracked(base_revision: int, **slots: str) -> dict[str, Any]:
    values = {k: {"value": v, "origin": "user", "span": None, "turn": 1} for k, v in slots.items()}
    return {
        "base_revision": base_revision,
        "services": {"hotel": {"intent": "find", "requested": [], "slots": values}},
        "entities": [],
    }


def values(state: dict[str, Any]) -> dict[str, str]:
    return {k: v["value"] for k, v in state["services"].get("hotel", {}).get("slots", {}).items()}


def test_without_corrections_the_tracked_state_stands() -> None:
    assert values(effective_state(tracked(0, area="north"), [], 1)) == {"area": "north"}


def test_nothing_tracked_and_nothing_corrected_is_empty() -> None:
    assert effective_state(None, [], 0)["services"] == {}


def test_a_later_correction_changes_and_deletes() -> None:
    fixes = [
        correction(1, 1, "hotel", "area", "south", "ann", AT),
        correction(2, 1, "hotel", "stars", None, "ann", AT),
    ]
    state = effective_state(tracked(0, area="north", stars="4"), fixes, 1)
    assert values(state) == {"area": "south"}
    assert state["services"]["hotel"]["slots"]["area"]["origin"] == "correction"


def test_a_correction_that_the_tracker_has_seen_is_not_applied_again() -> None:
    fixes = [correction(1, 1, "hotel", "area", "south", "ann", AT)]
    assert values(effective_state(tracked(1, area="east"), fixes, 2)) == {"area": "east"}


def test_a_correction_of_a_later_turn_leaves_earlier_ones_alone() -> None:
    fixes = [correction(1, 3, "hotel", "area", "south", "ann", AT)]
    assert values(effective_state(tracked(0, area="north"), fixes, 2)) == {"area": "north"}
    assert values(effective_state(tracked(0, area="north"), fixes, 3)) == {"area": "south"}


def test_a_correction_can_come_before_anything_was_tracked() -> None:
    fixes = [correction(1, 0, "hotel", "area", "south", "ann", AT)]
    assert values(effective_state(None, fixes, 0)) == {"area": "south"}


_FIXES = st.lists(
    st.builds(
        correction,
        st.integers(1, 9),
        st.integers(0, 5),
        st.just("hotel"),
        st.sampled_from(["area", "stars"]),
        st.none() | st.text(max_size=4),
        st.just("ann"),
        st.just(AT),
    ),
    max_size=8,
    unique_by=lambda c: c["revision"],
)


@given(_FIXES, st.integers(0, 6), st.integers(0, 9))
def test_order_of_storage_is_no_order_and_nothing_is_changed_in_place(
    fixes: list[dict[str, Any]], n: int, base: int
) -> None:
    state = tracked(base, area="north", stars="4")
    before = deepcopy((state, fixes))
    first = effective_state(state, fixes, n)
    assert first == effective_state(state, list(reversed(fixes)), n)
    assert (state, fixes) == before
    due = sorted((c for c in fixes if c["revision"] > base and c["after_n"] <= n), key=lambda c: c["revision"])
    expected = {"area": "north", "stars": "4"} | {c["slot"]: c["value"] for c in due}
    assert values(first) == {k: v for k, v in expected.items() if v is not None}


def test_a_correction_made_while_the_turn_was_open_counts_after_it() -> None:
    fixes = [
        correction(1, 1, "hotel", "area", "south", "ann", AT),
        correction(2, 2, "hotel", "area", "west", "ann", AT),
    ]
    previous = effective_state(tracked(0, area="north"), fixes, 1)
    assert values(previous) == {"area": "south"}
    state = {**tracked(0, area="south"), "base_revision": base_revision(fixes, 2)}
    assert values(effective_state(state, fixes, 2)) == {"area": "west"}
    assert values(effective_state(state, fixes[:1], 2)) == {"area": "south"}


def test_differences_name_what_came_went_and_changed() -> None:
    found = differences(tracked(0, area="north", stars="4"), tracked(0, area="south", price="low"))
    assert [(d["slot"], d["before"], d["after"]) for d in found] == [
        ("area", "north", "south"),
        ("price", None, "low"),
        ("stars", "4", None),
    ]
    assert differences(None, None) == []
