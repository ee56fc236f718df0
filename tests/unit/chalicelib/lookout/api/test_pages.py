"""A list in pages: every item once, whatever comes or goes meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.lookout.api.contract import HttpRequest, members_of
from chalicelib.lookout.api.errors import ValidationException
from chalicelib.lookout.api.pages import LARGEST_PAGE, page


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.integers(1, 10))
def test_pages_hold_every_item_once_in_its_order(items: list[str], size: int) -> None:
    seen, token = page(items, str, None, size)
    while token:
        more, token = page(items, str, token, size)
        assert 0 < len(more) <= size
        seen += more
    assert seen == items


@given(st.text(min_size=1, max_size=200))
def test_a_token_is_one_that_the_service_takes(name: str) -> None:
    _, token = page([name, name + "!"], str, None, 1)
    request = HttpRequest({}, {"nextToken": [str(token)]}, {}, b"")
    assert members_of("ListProjects", request) == {"NextToken": token}


def test_a_page_has_a_hundred_items_unless_fewer_are_asked_for() -> None:
    items = [str(number) for number in range(LARGEST_PAGE + 1)]
    found, token = page(items, str, None, None)
    assert found == items[:LARGEST_PAGE]
    assert token is not None


def test_the_last_page_has_no_token() -> None:
    assert page(["a", "b"], str, None, 2) == (["a", "b"], None)
    assert page([], str, None, 2) == ([], None)


def test_what_comes_before_the_next_page_does_not_move_it() -> None:
    _, token = page(["a", "b", "c"], str, None, 2)
    assert page(["0", "a", "b", "c", "d"], str, token, 2) == (["c", "d"], None)


@pytest.mark.parametrize("token", ["", "nonsense", "ä", "Yg", "Yg==="])
def test_a_token_that_this_list_did_not_give_is_refused(token: str) -> None:
    with pytest.raises(ValidationException, match="NextToken"):
        page(["a", "c"], str, token, 1)


def test_a_token_whose_place_is_gone_is_refused() -> None:
    _, token = page(["a", "b"], str, None, 1)
    with pytest.raises(ValidationException, match="list from the beginning"):
        page(["b"], str, token, 1)
