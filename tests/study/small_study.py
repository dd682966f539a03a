"""What the small study of these tests is made of."""

import numpy as np
from synthetic_corpus import RATE, speaking_clip

from orate.errors import OrateError
from orate.study.make import StudySettings
from orate.study.store import AnswerStore

SETTINGS = StudySettings(clips=6, per_person=4, seconds=0.4, contact="Ada, ada@example.org", seed=3)


class StandingGenerator:
    """Repeats the source image, and draws a white corner so that its videos can be told from real ones."""

    audio_rate = RATE

    def __init__(self, refuses=()):
        self.refuses, self.calls = refuses, []

    def generate(self, source, audio, frames, seed):
        self.calls.append((audio.shape, frames, seed))
        if len(self.calls) in self.refuses:
            raise OrateError("No face was found.")
        video = np.repeat(source[None], frames, axis=0)
        video[:, :6, :6] = 255
        return video


def corpus_clips():
    """Eight clips of three people that are long enough, one that is not, one of the training part."""
    kind = {"split": "validation"}
    clips = [speaking_clip(f"s{i % 2}_{i}", i, speaker=f"s{i % 2}", **kind) for i in range(6)]
    clips += [speaking_clip(f"s9_{i}", 10 + i, speaker="s9", unseen=True, **kind) for i in range(2)]
    return [*clips, speaking_clip("s0_short", 20, count=6, **kind), speaking_clip("s0_train", 21)]


def answer_all(store: AnswerStore, right: int, seconds: float = 5.0) -> int:
    """Somebody new answers all clips, the first `right` of them rightly; their number."""
    person = store.begin()
    for position in range(SETTINGS.per_person):
        _, generated = store.shown(person, position)
        said_real = generated if position >= right else not generated
        assert store.answer(person, position, said_real, seconds, 1)
    return person.number
