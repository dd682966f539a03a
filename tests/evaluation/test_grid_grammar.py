import numpy as np
import pytest
import torch
from torch.nn import functional as F

from orate.evaluation.grid_grammar import (
    BLANK,
    CHARACTERS,
    SLOTS,
    VOCABULARY,
    continuations,
    encode,
    greedy_text,
    is_sentence,
    likely_sentence,
)


def spoken(text: str, certainty: float = 8.0, blanks: int = 1) -> np.ndarray:
    """Log-probabilities of a network that spells a text, each character followed by blanks."""
    rows = []
    for index in encode(text):
        rows += [index] + [BLANK] * blanks
    scores = np.zeros((len(rows), len(CHARACTERS)))
    scores[np.arange(len(rows)), rows] = certainty
    return np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))


def log_probability(logarithms: np.ndarray, sentence: str) -> float:
    """Of all paths that spell it, by torch's CTC."""
    steps, target = torch.from_numpy(logarithms)[:, None], torch.tensor([encode(sentence)])
    lengths = torch.tensor([len(logarithms)]), torch.tensor([len(sentence)])
    return -float(F.ctc_loss(steps, target, *lengths, reduction="sum"))


def random_sentence(random: np.random.Generator) -> str:
    return " ".join(random.choice(slot) for slot in SLOTS)


def test_the_grammar_is_grids():
    assert len(VOCABULARY) == 51
    assert [len(slot) for slot in SLOTS] == [4, 4, 4, 25, 10, 4]
    assert is_sentence("bin blue at f two now")
    assert not is_sentence("bin blue at w two now")
    assert not is_sentence("blue bin at f two now")


def test_prefixes_go_on_as_words_do():
    assert continuations("") == ("b", "l", "p", "s")
    assert continuations("b") == ("i",)
    assert continuations("bin") == (" ",)
    assert continuations("bin b") == ("l",)
    assert continuations("bin blue at f s") == ("e", "i")
    assert continuations("bin blue at f two now") == ()


def test_every_sentence_that_is_spelt_clearly_is_read():
    random = np.random.default_rng(0)
    for _ in range(5):
        sentence = random_sentence(random)
        assert likely_sentence(spoken(sentence)) == sentence
        assert greedy_text(spoken(sentence)) == sentence


def test_what_is_no_word_becomes_the_nearest_sentence():
    misspelt = spoken("bim blwe at f twa now", 4.0)
    assert greedy_text(misspelt) == "bim blwe at f twa now"
    assert likely_sentence(misspelt) == "bin blue at f two now"


def test_double_letters_need_the_blank_between_them():
    assert greedy_text(spoken("green", blanks=0)) == "gren"
    assert likely_sentence(spoken("lay green by k three again")) == "lay green by k three again"


def test_no_other_sentence_is_likelier_than_the_one_found():
    random = np.random.default_rng(1)
    for _ in range(3):
        noise = random.normal(0, 1, (90, len(CHARACTERS)))
        noise[:, BLANK] += 1
        sentence = random_sentence(random)
        noise[np.arange(2 * len(sentence))[::2], encode(sentence)] += 4
        logarithms = torch.from_numpy(noise).log_softmax(-1).numpy()
        found = likely_sentence(logarithms)
        assert is_sentence(found)
        best = log_probability(logarithms, found)
        words = found.split()
        for place, slot in enumerate(SLOTS):
            for word in slot:
                other = " ".join([*words[:place], word, *words[place + 1 :]])
                assert log_probability(logarithms, other) <= best + 1e-6


def test_silence_reads_as_nothing_or_as_any_sentence():
    silence = np.full((100, len(CHARACTERS)), -20.0)
    silence[:, BLANK] = -1e-6
    assert greedy_text(silence) == ""
    assert is_sentence(likely_sentence(silence))
    assert likely_sentence(silence[:3]) == ""  # no sentence fits


def test_likely_beginnings_do_not_crowd_out_the_end():
    unclear = spoken("set red with e seven soon")
    unclear[42:, 1:] -= 30  # hardly anything is told of the end, and most that goes on is a blank
    assert is_sentence(likely_sentence(unclear))


def test_other_characters_are_refused():
    with pytest.raises(ValueError, match="substring"):
        encode("Bin")
