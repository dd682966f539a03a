"""Which clips a person sees, which of them generated, and in which order."""

from __future__ import annotations

import numpy as np

from orate.study.folder import Study

Trial = tuple[str, bool]  # a clip's key, and whether its generated version is shown


def draw_trials(study: Study, number: int, seed: int) -> list[Trial]:
    """The clips of one person: half of them real, none in both versions.

    People come in pairs that see the same clips, one the real version where the other sees the generated one. So no
    clip is easy for being always real, and answers to both versions of each clip can be compared.

    Args:
        study: the study.
        number: the person's, from 1: odd and even ones make pairs.
        seed: the person's own, of the order.
    """
    pair, second = divmod(number - 1, 2)
    of_pair = np.random.default_rng([study.seed, pair])
    chosen = of_pair.permutation(len(study.clips))[: study.clips_per_person]
    generated = (np.arange(study.clips_per_person) % 2 == 0) ^ bool(second)
    order = np.random.default_rng(seed).permutation(study.clips_per_person)
    return [(study.clips[chosen[place]].key, bool(generated[place])) for place in order]
