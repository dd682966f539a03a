"""Word error rate: how much of a sentence the lip reader gets wrong on a video.

Substitutions, deletions and insertions of the best alignment over the words of the reference (Levenshtein distance over
words), computed by `jiwer`. A perfect generator reaches the lip reader's own rate on real video, not zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import jiwer


def word_error_rate(references: Sequence[str], readings: Sequence[str]) -> float:
    """Errors over words, of all sentences together.

    Args:
        references: the true sentences.
        readings: what was read, one for each; may be empty.

    Returns:
        0 for no error; above 1 where more is read than was said; NaN where there are no sentences.

    Raises:
        ValueError: an empty reference, or another number of readings.
    """
    if not references and not readings:
        return float("nan")
    return float(jiwer.wer(list(references), list(readings)))
