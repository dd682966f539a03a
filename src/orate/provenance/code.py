"""The error correction of the watermark: 64 bits in 16 symbols of 8 bits, any 8 of which are enough.

A Reed-Solomon code over GF(256) (Reed and Solomon, 1960) in the form of its definition: a polynomial of degree 7 at 16
points. The detector knows for each symbol how well each of its 256 values fits, so it decodes with that knowledge
(ordered statistics: Fossorier and Lin, 1995): the most reliable symbols are believed, at most two of them replaced by
their next best values, the rest follows from the code, and the code word that fits best wins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

ID_BYTES = 8
SYMBOLS = 16
VALUES = 256
FIELD_POLYNOMIAL = 0x11D  # x^8 + x^4 + x^3 + x^2 + 1, for which 2 generates the field
SECOND_CHOICES = 16  # values tried for one doubtful symbol
PAIR_CHOICES = 8  # and for each of two
BASES = 3  # choices of the symbols that are believed

Symbols = NDArray[np.intp]


def encode(content_id: bytes) -> Symbols:
    """The code word of an id.

    Args:
        content_id: 8 bytes.

    Returns:
        (16,) symbols in [0, 255]; the first 8 are the id itself.
    """
    if len(content_id) != ID_BYTES:
        raise ValueError(f"a content id has {ID_BYTES} bytes, not {len(content_id)}")
    known = np.frombuffer(content_id, np.uint8).astype(np.intp)
    word: Symbols = _complete(tuple(range(ID_BYTES)), known[None])[0]
    return word


@dataclass(frozen=True, eq=False)
class Decoded:
    """A code word that scores lead to.

    Attributes:
        content_id: 8 bytes.
        word: (16,) its symbols.
        check: sum of the scores of the 8 symbols that were not believed but follow from the others.
        tried: number of code words that were compared.
    """

    content_id: bytes
    word: Symbols
    check: float
    tried: int


def decode(scores: NDArray[np.float32]) -> Decoded:
    """The code word that fits best among those that the most reliable symbols lead to.

    Any scores lead to one. Where it is the wrong one, its `check` is as good as chance.

    Args:
        scores: (16, 256), how well each value of each symbol fits; log-likelihoods up to scale and offset.
    """
    ranked = np.argsort(-scores, axis=1, kind="stable")
    best, second = np.take_along_axis(scores, ranked[:, :2], axis=1).T
    by_trust = np.argsort(second - best, kind="stable")
    found: Decoded | None = None
    highest, tried = -np.inf, 0
    for base in range(BASES):
        doubtful = by_trust[ID_BYTES - 2 + 2 * base : ID_BYTES + 2 * base]
        places = np.sort(np.concatenate([by_trust[: ID_BYTES - 2], doubtful]))
        words = _complete(tuple(places.tolist()), _guesses(ranked[places]))
        fits = scores[np.arange(SYMBOLS), words]
        tried += len(words)
        winner = int(fits.sum(axis=1).argmax())
        if fits[winner].sum() > highest:
            highest, word = float(fits[winner].sum()), words[winner]
            check = float(np.delete(fits[winner], places).sum())
            found = Decoded(word[:ID_BYTES].astype(np.uint8).tobytes(), word, check, tried)
    assert found is not None  # noqa: S101 - scores are finite
    return replace(found, tried=tried)


def _guesses(ranked: Symbols) -> Symbols:
    """(n, 8): the best values, and those with one or two of them replaced. `ranked`: (8, 256), the best first."""
    best = ranked[:, 0]
    guesses = [best[None]]
    for place in range(ID_BYTES):
        single = np.tile(best, (SECOND_CHOICES - 1, 1))
        single[:, place] = ranked[place, 1:SECOND_CHOICES]
        guesses.append(single)
    for first, other in combinations(range(ID_BYTES), 2):
        pairs = np.tile(best, ((PAIR_CHOICES - 1) ** 2, 1))
        pairs[:, first] = np.repeat(ranked[first, 1:PAIR_CHOICES], PAIR_CHOICES - 1)
        pairs[:, other] = np.tile(ranked[other, 1:PAIR_CHOICES], PAIR_CHOICES - 1)
        guesses.append(pairs)
    return np.concatenate(guesses)


def _complete(places: tuple[int, ...], known: Symbols) -> Symbols:
    """Code words (n, 16) that have the symbols `known` (n, 8) at `places`."""
    matrix = _interpolation(places)
    words = np.zeros((len(known), SYMBOLS), np.intp)
    for k in range(ID_BYTES):
        words ^= _times(matrix[None, :, k], known[:, k, None])
    return words


@cache
def _interpolation(places: tuple[int, ...]) -> Symbols:
    """(16, 8): Lagrange's polynomials of 8 places at all 16 points, in GF(256)."""
    points = _powers()[:SYMBOLS]
    matrix = np.empty((SYMBOLS, ID_BYTES), np.intp)
    for k, place in enumerate(places):
        above, below = np.ones(SYMBOLS, np.intp), np.ones(1, np.intp)
        for other in places:
            if other != place:
                above = _times(above, points ^ points[other])
                below = _times(below, points[place] ^ points[other])
        matrix[:, k] = _times(above, _powers()[(VALUES - 1 - _logarithms()[below]) % (VALUES - 1)])
    return matrix


def _times(a: Symbols, b: Symbols) -> Symbols:
    """Product in GF(256), element by element."""
    logarithms = _logarithms()
    product = _powers()[(logarithms[a] + logarithms[b]) % (VALUES - 1)]
    return np.where((a == 0) | (b == 0), 0, product)


@cache
def _powers() -> Symbols:
    """(255,): the powers of 2 in GF(256)."""
    powers, value = [], 1
    for _ in range(VALUES - 1):
        powers.append(value)
        value <<= 1
        if value >= VALUES:
            value ^= FIELD_POLYNOMIAL
    return np.array(powers, np.intp)


@cache
def _logarithms() -> Symbols:
    """(256,): exponents of 2; that of 0, which has none, is 0."""
    logarithms = np.zeros(VALUES, np.intp)
    logarithms[_powers()] = np.arange(VALUES - 1)
    return logarithms
