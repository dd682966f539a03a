"""What the command and the workers of a training on Ray tell each other, through a small actor."""

from __future__ import annotations

News = tuple[int, int, dict[str, float]]
"""How much is done, of how much, and the latest figures."""


class Hub:
    """Lives in a process of its own, beside the command; it outlives workers that are killed."""

    def __init__(self) -> None:
        self._news: dict[str, News] = {}
        self._asked: int | None = None
        self._is_begun = False

    def begin(self) -> None:
        """A worker begins to train."""
        self._is_begun = True

    def tell(self, what: str, done: int, total: int, figures: dict[str, float]) -> None:
        """A worker says how far it is; what was told before is forgotten."""
        self._news[what] = done, total, figures

    def news(self) -> dict[str, News]:
        """What workers have told since the last call."""
        news, self._news = self._news, {}
        return news

    def ask(self, number: int) -> bool:
        """The command asks the workers to end as a signal with that number would; whether they have begun at all."""
        self._asked = number
        return self._is_begun

    def asked(self) -> int | None:
        """The number of the signal that shall end the run, if any."""
        return self._asked
