"""What the answers of a study come to: in all, by person and by clip."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from orate.study.folder import Study
from orate.study.statistics import Share, binomial_test, crossed_interval
from orate.study.store import Answer, AnswerStore

PAPER = {"people": 66, "clips": 24, "accuracy": 0.52}  # Vougioukas, Petridis, Pantic, IJCV 2020, its online Turing test


@dataclass(frozen=True)
class PersonRow:
    """One person.

    Attributes:
        person: their number.
        finished: whether they answered all clips.
        all: right answers.
        real: those to real clips.
        generated: those to generated clips.
        seconds: median time of an answer, from the clip's first start.
        plays: how often a clip was played, on average.
    """

    person: int
    finished: bool
    all: Share
    real: Share
    generated: Share
    seconds: float
    plays: float


@dataclass(frozen=True)
class ClipRow:
    """One clip.

    Attributes:
        key: its name in the corpus.
        speaker: who speaks.
        unseen: whether the model never saw this person in training.
        real: right answers to the real version.
        generated: right answers to the generated version; the others took it for real.
        files: of the real and of the generated version.
    """

    key: str
    speaker: str
    unseen: bool
    real: Share
    generated: Share
    files: tuple[str, str]


@dataclass(frozen=True)
class Results:
    """A study's results.

    Attributes:
        began: people who began and did not withdraw.
        finished: of them, who answered all clips.
        counted: people whose answers are counted below.
        all: right answers.
        real: those to real clips.
        generated: those to generated clips.
        chance: `binomial_test` of ``all``; None without answers.
        crossed: `crossed_interval` of ``all``; None with fewer than two people.
        people: one row a person.
        clips: one row a clip, those taken for real most often first.
        answers: that are counted.
    """

    began: int
    finished: int
    counted: int
    all: Share
    real: Share
    generated: Share
    chance: float | None
    crossed: tuple[float, float] | None
    people: list[PersonRow]
    clips: list[ClipRow]
    answers: list[Answer]


def summarise(study: Study, store: AnswerStore, *, unfinished: bool = False, without: Collection[int] = ()) -> Results:
    """Compute the results.

    Args:
        study: the study.
        store: its answers.
        unfinished: whether to count people who have not answered all clips: those who stop early may differ.
        without: numbers of people to leave out, such as the operator's own trials.
    """
    everything = [answer for answer in store.answers() if study.clip(answer.clip)]
    answers = [answer for answer in everything if (answer.finished or unfinished) and answer.person not in without]
    right, seen = _tables(study, answers)
    overall = _share(answers)
    return Results(
        began=store.began(),
        finished=len({answer.person for answer in everything if answer.finished}),
        counted=len({answer.person for answer in answers}),
        all=overall,
        real=_share(answer for answer in answers if not answer.generated),
        generated=_share(answer for answer in answers if answer.generated),
        chance=binomial_test(overall.right, overall.total) if answers else None,
        crossed=crossed_interval(right, seen) if answers else None,
        people=[_person(number, answers) for number in sorted({answer.person for answer in answers})],
        clips=_clips(study, answers),
        answers=answers,
    )


def as_json(study: Study, results: Results) -> dict[str, Any]:
    """The figures of the whole, ready for JSON; shares in [0, 1]."""
    return {
        "model": study.model,
        "people": {"began": results.began, "finished": results.finished, "counted": results.counted},
        "clips": len(study.clips),
        "clips_per_person": study.clips_per_person,
        "right": _as_json(results.all),
        "right_of_real": _as_json(results.real),
        "right_of_generated": _as_json(results.generated),
        "interval_over_people_and_clips": results.crossed,
        "binomial_test_against_chance": results.chance,
        "paper": PAPER,
    }


def _as_json(share: Share) -> dict[str, Any]:
    return {"right": share.right, "of": share.total, "share": share.value, "wilson_95": share.interval}


def _share(answers: Iterable[Answer]) -> Share:
    rights = [answer.right for answer in answers]
    return Share(sum(rights), len(rights))


def _person(number: int, answers: list[Answer]) -> PersonRow:
    own = [answer for answer in answers if answer.person == number]
    return PersonRow(
        person=number,
        finished=own[0].finished,
        all=_share(own),
        real=_share(answer for answer in own if not answer.generated),
        generated=_share(answer for answer in own if answer.generated),
        seconds=float(np.median([answer.seconds for answer in own])),
        plays=float(np.mean([answer.plays for answer in own])),
    )


def _clips(study: Study, answers: list[Answer]) -> list[ClipRow]:
    """The clips that fool most people first, those not shown last; then by name."""
    rows = []
    for clip in study.clips:
        own = [answer for answer in answers if answer.clip == clip.key]
        generated = _share(answer for answer in own if answer.generated)
        real = _share(answer for answer in own if not answer.generated)
        rows.append(ClipRow(clip.key, clip.speaker, clip.unseen, real, generated, (clip.real, clip.generated)))
    return sorted(rows, key=lambda row: (2.0 if row.generated.value is None else row.generated.value, row.key))


def _tables(study: Study, answers: list[Answer]) -> tuple[np.ndarray, np.ndarray]:
    """(people, clips): right answers, and answers."""
    people = {number: row for row, number in enumerate(sorted({answer.person for answer in answers}))}
    columns = {clip.key: column for column, clip in enumerate(study.clips)}
    right, seen = np.zeros((2, len(people), len(columns)))
    for answer in answers:
        place = people[answer.person], columns[answer.clip]
        seen[place] += 1
        right[place] += answer.right
    return right, seen
