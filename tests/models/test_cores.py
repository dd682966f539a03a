"""How many cores networks take."""

import pytest

from orate.models.engines.cores import usable_cores


@pytest.mark.parametrize(
    ("told", "cores"), [("1", 1), ("2,1", 2), ("64", None), ("", None), ("many", None), ("0", None)]
)
def test_no_more_than_the_environment_says(monkeypatch: pytest.MonkeyPatch, told: str, cores: int | None) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert usable_cores() == (cores or 6)
