import math

import pytest

from orate.evaluation.wer import word_error_rate

SENTENCE = "bin blue at f two now"


def test_known_answers():
    assert word_error_rate([SENTENCE], [SENTENCE]) == 0
    assert word_error_rate([SENTENCE], ["bin blue at s two now"]) == pytest.approx(1 / 6)
    assert word_error_rate([SENTENCE], ["blue at f two now"]) == pytest.approx(1 / 6)  # one deletion, not six
    assert word_error_rate([SENTENCE], ["bin blue at f two now please"]) == pytest.approx(1 / 6)
    assert word_error_rate([SENTENCE], [""]) == 1


def test_sentences_count_by_their_words():
    assert word_error_rate([SENTENCE, "two now"], [SENTENCE, "two soon"]) == pytest.approx(1 / 8)


def test_nothing_to_read_has_no_rate():
    assert math.isnan(word_error_rate([], []))


def test_another_number_of_readings_is_refused():
    with pytest.raises(ValueError, match="1"):
        word_error_rate([SENTENCE, SENTENCE], [SENTENCE])
