"""The watermark's error correction."""

import numpy as np
import pytest

from orate.provenance.code import SYMBOLS, VALUES, decode, encode
from orate.provenance.watermark_detector import WRONG_ID_MAX_LOG10, wrong_id_log10

ID = bytes.fromhex("0123456789abcdef")


def noisy(word: np.ndarray, level: float, seed: int = 0) -> np.ndarray:
    """(16, 256) scores of unit noise in which the word stands out by a level."""
    scores = np.random.default_rng(seed).normal(size=(SYMBOLS, VALUES)).astype(np.float32)
    scores[np.arange(SYMBOLS), word] += level
    return scores


def test_a_word_begins_with_its_id() -> None:
    word = encode(ID)
    assert word.shape == (SYMBOLS,)
    assert bytes(word[:8].tolist()) == ID


def test_words_differ_in_nine_symbols_or_more() -> None:
    rng = np.random.default_rng(0)
    first = encode(ID)
    for _ in range(200):
        other = bytearray(ID)
        other[rng.integers(8)] ^= int(rng.integers(1, 256))
        assert (encode(bytes(other)) != first).sum() >= 9


def test_the_code_is_linear() -> None:
    other = bytes.fromhex("ff00ff00ff00ff00")
    both = bytes(a ^ b for a, b in zip(ID, other, strict=True))
    assert np.array_equal(encode(ID) ^ encode(other), encode(both))


@pytest.mark.parametrize("length", [0, 7, 9])
def test_an_id_has_eight_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        encode(bytes(length))


def test_any_eight_symbols_are_enough() -> None:
    word = encode(ID)
    for seed in range(10):
        scores = noisy(word, 30, seed)
        lost = np.random.default_rng(seed).permutation(SYMBOLS)[:8]
        scores[lost] = 0
        assert decode(scores).content_id == ID


def test_many_wrong_symbols_are_mended() -> None:
    """At this level almost half of the symbols look like another value, more than the four that algebra could mend."""
    word = encode(ID)
    right, wrong_symbols = 0, []
    for seed in range(20):
        scores = noisy(word, 3.2, seed)
        wrong_symbols.append((scores.argmax(axis=1) != word).sum())
        right += decode(scores).content_id == ID
    assert np.mean(wrong_symbols) > 4.5
    assert right >= 14


def test_a_right_word_passes_its_check_and_a_wrong_one_does_not() -> None:
    right = decode(noisy(encode(ID), 5.0))
    assert right.content_id == ID
    assert wrong_id_log10(right) < WRONG_ID_MAX_LOG10
    for seed in range(20):  # too faint to be read: some word comes out all the same
        wrong = decode(noisy(encode(ID), 1.5, seed))
        assert wrong.content_id == ID or wrong_id_log10(wrong) > WRONG_ID_MAX_LOG10
