"""What is said of an output, and what cannot be."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from orate import OrateError
from orate.provenance.statement import Statement, checked_consent, checked_producer, clock, stated_id

STATEMENT = Statement(b"\x01" * 8, "default", "0.1.0", 3, "a" * 64, "b" * 64)


def test_only_what_is_known_is_said() -> None:
    said = STATEMENT.as_json()
    assert said["ai_generated"] is True
    assert said["seed"] == 3
    assert not {"time", "consent"} & set(said)
    assert stated_id(said) == STATEMENT.content_id
    assert stated_id({"content_id": "what"}) is None
    assert stated_id({"content_id": 5}) is None


def test_times_are_in_utc() -> None:
    time = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    statement = Statement(b"\x01" * 8, "default", "0.1.0", 3, "a" * 64, "b" * 64, time=time)
    assert statement.as_json()["time"] == "2025-12-31T23:30:00Z"


def test_the_clock_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = datetime.now(UTC)
    assert abs(clock() - before) < timedelta(minutes=1)
    assert clock().microsecond == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert clock() == datetime(1970, 1, 2, tzinfo=UTC)
    for wrong in ("yesterday", "1e9", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(OrateError, match="SOURCE_DATE_EPOCH"):
            clock()


def test_consent() -> None:
    assert checked_consent("  Jane Doe, signed release ") == "Jane Doe, signed release"
    assert checked_consent(None) is None
    assert checked_consent("  ") is None
    with pytest.raises(OrateError, match="2001 characters"):
        checked_consent("x" * 2001)
    with pytest.raises(OrateError, match="one line"):
        checked_consent("Jane\nDoe")


def test_producers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked_producer() == "orate"
    assert checked_producer("某公司") == "某公司"
    monkeypatch.setenv("ORATE_PRODUCER", "ACME")
    assert checked_producer() == "ACME"
    assert checked_producer("mine") == "mine"
    for wrong in ("two words", 'a"b', "a\\b", "a\nb", "x" * 129):
        with pytest.raises(OrateError, match="producer"):
            checked_producer(wrong)
