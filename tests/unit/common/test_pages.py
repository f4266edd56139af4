"""Pages as routes answer them."""

import base64
import uuid
from datetime import UTC, datetime

import pytest

from common.errors import InvalidRequest
from common.http.envelope import Page, paginated
from common.pages import COUNT_LIMIT, MAX_COUNTED, Cursor, Total

BEYOND = Total.of_bounded(COUNT_LIMIT)
AT = datetime(2027, 3, 20, 12, tzinfo=UTC)
LAST = Cursor(AT, uuid.UUID(int=19))


def places(number: int) -> list[Cursor]:
    return [Cursor(AT, uuid.UUID(int=index)) for index in range(number)]


@pytest.mark.parametrize("readable", [20, 19, 0])
async def test_full_page_leads_to_the_next_one_even_if_rows_were_left_out(readable: int) -> None:
    first = await Page.from_cursor_query(page=1, per_page=20)
    answer = paginated((places(readable), Total(21, next=LAST)), first)
    page = await Page.from_cursor_query(page=1, per_page=20, after=answer.pagination.next)
    assert page.after == LAST


def test_list_without_after_has_no_next() -> None:
    assert paginated((places(20), Total(21, next=LAST)), Page(page=1, per_page=20)).pagination.next is None


@pytest.mark.parametrize(("items", "total"), [(1, Total(21)), (20, Total(40, next=LAST)), (19, Total(40, next=LAST))])
def test_last_page_leads_nowhere(items: int, total: Total) -> None:
    assert paginated((places(items), total), Page(page=2, per_page=20, has_cursor=True)).pagination.next is None


def test_short_list_has_only_numbers() -> None:
    pagination = paginated((places(2), Total(2)), Page(page=1, per_page=20, has_cursor=True)).pagination
    assert pagination.model_dump() == {"page": 1, "per_page": 20, "total": 2, "total_pages": 1}


def test_total_beyond_the_count_is_marked() -> None:
    pagination = paginated((places(20), BEYOND), Page(page=1, per_page=20)).pagination
    assert (pagination.total, pagination.total_is_exact, pagination.total_pages) == (MAX_COUNTED, False, 500)


@pytest.mark.parametrize("total", [MAX_COUNTED, MAX_COUNTED + 1, 5 * MAX_COUNTED])
def test_other_totals_are_exact(total: int) -> None:
    """Some lists are short enough to be counted to their end, such as the scans of an event."""
    for page in (500, 501):
        pagination = paginated((places(20), Total(total)), Page(page=page, per_page=20)).pagination
        assert (pagination.total, pagination.total_is_exact) == (total, True)


def test_bounded_count_is_exact_up_to_the_bound() -> None:
    assert Total.of_bounded(MAX_COUNTED) == Total(MAX_COUNTED)
    assert Total.of_bounded(COUNT_LIMIT) == Total(MAX_COUNTED, is_exact=False)


def test_page_behind_the_last_counted_item_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        paginated((places(20), BEYOND), Page(page=501, per_page=20))
    assert paginated((places(0), Total(MAX_COUNTED)), Page(page=501, per_page=20)).pagination.total == MAX_COUNTED


def test_page_after_an_item_is_answered_however_far_it_is() -> None:
    page = Page(page=501, per_page=20, after=Cursor(AT, uuid.uuid4()))
    assert paginated((places(20), BEYOND), page).data


@pytest.mark.parametrize("after", ["", "x", "%%%", "MjAyNy0wMy0yMFQxMjowMDowMCAx", "w6kgw6k=", "MjAyNyAx" * 30])
async def test_other_text_is_no_cursor(after: str) -> None:
    with pytest.raises(InvalidRequest):
        await Page.from_cursor_query(page=1, per_page=20, after=after)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_time_beyond_the_calendar_is_no_cursor(at: str) -> None:
    after = base64.urlsafe_b64encode(f"{at} {uuid.uuid4()}".encode()).decode()
    with pytest.raises(InvalidRequest):
        await Page.from_cursor_query(page=1, per_page=20, after=after)
