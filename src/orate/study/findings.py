"""What the figures of a study say, in sentences."""

from __future__ import annotations

from orate.study.results import PAPER, Results

SMALL_P = 0.001


def in_words(results: Results) -> list[str]:
    """What the figures say, in sentences; none without answers."""
    share, interval, chance = results.all.value, results.all.interval, results.chance
    if share is None or interval is None or chance is None:
        return []
    sentences = [
        f"{share:.1%} of {results.all.total} answers are right, 95% interval {range_in_words(interval)} (Wilson).",
        f"If people only guessed, a result this far from 50% would have a probability of {probability(chance)} "
        "(exact binomial test, two-sided).",
    ]
    if results.crossed:
        sentences.append(
            f"For other people and other clips of this kind: {range_in_words(results.crossed)} (bootstrap over both). "
            "Answers of one person, and to one clip, are alike; the two figures before this one take them as "
            "independent, and are too sure of themselves."
        )
    low, high = results.crossed or interval
    if low <= 0.5 <= high:
        sentences.append(
            "Guessing is within the interval: the answers do not show that people can tell. They do not show that "
            f"people cannot, either: up to {high:.0%} right answers in the long run would fit them too."
        )
    elif low > 0.5:
        sentences.append("People can tell: guessing is outside of the interval.")
    else:
        sentences.append("People are wrong more often than by guessing: they take generated clips for the real ones.")
    sentences.append(
        f"The paper reports {PAPER['accuracy']:.0%}, from {PAPER['people']} people who saw {PAPER['clips']} clips each."
    )
    return sentences


def probability(value: float) -> str:
    """A probability as people read it."""
    return f"{value:.3f}" if value >= SMALL_P else f"less than {SMALL_P:g}"


def who_took_part(results: Results) -> str:
    """How many people began, finished and are counted."""
    return f"People who began: {results.began}; who finished: {results.finished}; who are counted: {results.counted}."


def range_in_words(interval: tuple[float, float]) -> str:
    """An interval of a share, in percent."""
    return f"{interval[0]:.1%} to {interval[1]:.1%}"
