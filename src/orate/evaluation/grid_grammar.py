"""GRID's sentences as a prefix automaton, and the most probable of them under a CTC network's outputs.

The grammar is that of the corpus (Cooke, Barker, Cunningham, Shao, 2006): command, colour, preposition, letter, digit,
adverb. The search is CTC's prefix beam search (Graves and Jaitly, Towards End-to-End Speech Recognition with Recurrent
Neural Networks, ICML 2014, algorithm 1), in which only characters that continue a sentence of the grammar extend a
prefix.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from math import inf, log1p

import numpy as np
from numpy.typing import NDArray

from orate.corpora.grid import SENTENCE

BLANK = 0
CHARACTERS = "\0 abcdefghijklmnopqrstuvwxyz"  # by the network's outputs; the first is CTC's blank
SLOTS = tuple(tuple(table.values()) for table in SENTENCE)
VOCABULARY = tuple(sorted({word for slot in SLOTS for word in slot}))


def encode(sentence: str) -> list[int]:
    """The network's outputs that spell a sentence of small letters and spaces."""
    return [CHARACTERS.index(character) for character in sentence]


def continuations(prefix: str) -> tuple[str, ...]:
    """Characters by which a prefix of a sentence of the grammar may go on; none after a whole sentence's last."""
    *before, partial = prefix.split(" ")
    return _continuations(len(before), partial)


@cache
def _continuations(slot: int, partial: str) -> tuple[str, ...]:
    words = SLOTS[slot]
    letters = {word[len(partial)] for word in words if word.startswith(partial) and word != partial}
    if partial in words and slot + 1 < len(SLOTS):
        letters.add(" ")
    return tuple(sorted(letters))


def is_sentence(text: str) -> bool:
    """Whether a text is a whole sentence of the grammar."""
    words = text.split(" ")
    return len(words) == len(SLOTS) and all(word in slot for word, slot in zip(words, SLOTS, strict=True))


def greedy_text(logarithms: NDArray[np.floating]) -> str:
    """The best character of each step, repetitions and blanks removed, whatever the grammar says.

    Args:
        logarithms: (steps, 28) log-probabilities of `CHARACTERS`.
    """
    best = logarithms.argmax(axis=1)
    kept = best[np.insert(best[1:] != best[:-1], 0, True)] if len(best) else best
    return "".join(CHARACTERS[index] for index in kept if index != BLANK).strip()


def likely_sentence(logarithms: NDArray[np.floating], width: int = 8) -> str:
    """The most probable sentence of the grammar that a beam finds.

    Args:
        logarithms: (steps, 28) log-probabilities of `CHARACTERS`.
        width: prefixes kept after each step, of each number of words and of letters of the last: prefixes that stay
            behind do not crowd out those that reach the end.

    Returns:
        Six words, the likeliest even of a mouth that does not move; fewer only of so few steps that no sentence fits.
    """
    rows = logarithms.tolist()
    # By prefix: log-probabilities of the paths that spell it and end in a blank, and in its last character.
    beam: dict[str, tuple[float, float]] = {"": (0.0, -inf)}
    for row in rows:
        found: dict[str, tuple[float, float]] = {}

        def add(prefix: str, blank: float, last: float, found: dict[str, tuple[float, float]] = found) -> None:
            before = found.get(prefix, (-inf, -inf))
            found[prefix] = (_sum(before[0], blank), _sum(before[1], last))

        for prefix, (blank, last) in beam.items():
            both = _sum(blank, last)
            add(prefix, both + row[BLANK], last + row[_index(prefix[-1])] if prefix else -inf)
            for character in continuations(prefix):
                repeated = prefix.endswith(character)  # told from its forerunner only by a blank between
                add(prefix + character, -inf, (blank if repeated else both) + row[_index(character)])
        beam = _best_of_each_length(found, width)
    whole = [prefix for prefix in beam if is_sentence(prefix)]
    return (whole or list(beam))[0]


def _best_of_each_length(found: dict[str, tuple[float, float]], width: int) -> dict[str, tuple[float, float]]:
    """The likeliest first."""
    kept: dict[str, tuple[float, float]] = {}
    counts: Counter[tuple[int, int]] = Counter()
    for prefix, paths in sorted(found.items(), key=lambda item: -_sum(*item[1])):
        length = prefix.count(" "), len(prefix) - prefix.rfind(" ")
        counts[length] += 1
        if counts[length] <= width:
            kept[prefix] = paths
    return kept


@cache
def _index(character: str) -> int:
    return CHARACTERS.index(character)


def _sum(first: float, second: float) -> float:
    """Logarithm of the sum of two numbers given by their logarithms."""
    small, large = (first, second) if first < second else (second, first)
    return large + log1p(np.exp(small - large)) if small > -inf else large
