"""Who sees what, and answers that are taken once, by any number of people at the same time, and survive a crash."""

import sqlite3
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from small_study import answer_all

from orate.errors import OrateError
from orate.study.assignment import draw_trials
from orate.study.folder import ANSWERS_NAME, read_study
from orate.study.store import AnswerStore


@pytest.fixture
def store(folder):
    return AnswerStore(folder / ANSWERS_NAME, read_study(folder))


def test_half_of_a_persons_clips_are_real_and_none_comes_twice(folder):
    study = read_study(folder)
    for number in range(1, 20):
        trials = draw_trials(study, number, seed=number)
        assert len({clip for clip, _ in trials}) == 4
        assert sum(generated for _, generated in trials) == 2


def test_pairs_of_people_see_the_same_clips_in_the_other_version(folder):
    study = read_study(folder)
    first, second, third = (dict(draw_trials(study, number, seed=number)) for number in (1, 2, 3))
    assert second == {clip: not generated for clip, generated in first.items()}
    assert third not in (first, second)


def test_the_order_is_the_seeds(folder):
    study = read_study(folder)
    assert draw_trials(study, 1, 5) == draw_trials(study, 1, 5)
    orders = [draw_trials(study, 1, seed) for seed in range(400)]
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    # each of a person's clips comes first about as often as the others: 100 times of 400, deviation 8.7
    firsts = Counter(order[0] for order in orders)
    assert len(firsts) == 4
    assert all(60 < count < 140 for count in firsts.values())


def test_an_answer_is_taken_once_and_in_turn(store):
    person = store.begin()
    assert not store.answer(person, 1, True, 2.0, 1)
    assert store.answer(person, 0, True, 2.0, 1)
    assert not store.answer(person, 0, False, 2.0, 1)
    assert [answer.said_real for answer in store.answers(person)] == [True]
    for position in (1, 2, 3):
        assert not store.person(person.token).finished
        assert store.answer(person, position, False, 2.0, 1)
    assert store.person(person.token).finished
    assert store.person(person.token).answered == 4
    assert not store.answer(person, 4, True, 2.0, 1)


def test_of_many_requests_at_once_one_is_taken(store):
    person = store.begin()
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda i: store.answer(person, 0, bool(i % 2), 1.0, 1), range(24)))
    assert sum(taken) == 1
    assert store.person(person.token).answered == 1


def test_many_people_at_once_through_two_servers(folder):
    study = read_study(folder)
    stores = [AnswerStore(folder / ANSWERS_NAME, study) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda i: answer_all(stores[i % 2], right=i % 5), range(20)))
    assert sorted(numbers) == list(range(1, 21))
    answers = stores[0].answers()
    assert len(answers) == 80
    assert sum(answer.right for answer in answers) == 4 * (0 + 1 + 2 + 3 + 4)
    assert all(answer.finished for answer in answers)
    # every clip was shown as often real as generated: pairs were complete
    assert set(Counter((a.clip, a.generated) for a in answers).values()) == set(
        Counter(a.clip for a in answers if a.generated).values()
    )


def test_an_answer_is_on_the_disk_when_it_is_taken(folder):
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from orate.study.folder import read_study\n"
        "from orate.study.store import AnswerStore\n"
        "folder = Path(sys.argv[1])\n"
        "store = AnswerStore(folder / 'answers.sqlite', read_study(folder))\n"
        "person = store.begin()\n"
        "assert store.answer(person, 0, True, 1.5, 2)\n"
        "print(person.token, flush=True)\n"
        "os._exit(1)\n"  # as a crash: nothing is closed
    )
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=False)
    store = AnswerStore(folder / ANSWERS_NAME, read_study(folder))
    person = store.person(done.stdout.strip())
    assert person.answered == 1, done.stderr
    assert [(answer.seconds, answer.plays) for answer in store.answers()] == [(1.5, 2)]


def test_who_withdraws_leaves_nothing_behind(store, folder):
    stays, leaves = store.begin(), store.begin()
    for person in (stays, leaves):
        store.answer(person, 0, True, 1.0, 1)
    store.withdraw(leaves)
    assert store.person(leaves.token) is None
    assert {answer.person for answer in store.answers()} == {stays.number}
    assert not store.answer(leaves, 1, True, 1.0, 1)
    assert store.began() == 1
    for file in folder.glob(f"{ANSWERS_NAME}*"):
        assert leaves.token.encode() not in file.read_bytes()
    assert store.begin().number == 3  # a number is never given twice


def test_nothing_about_a_person_is_kept_but_random_numbers(store, folder):
    store.begin()
    with closing(sqlite3.connect(folder / ANSWERS_NAME)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(people)")]
        began = database.execute("SELECT began FROM people").fetchone()[0]
    assert columns == ["number", "token", "seed", "began", "finished"]
    assert len(began) == len("2026-01-01T00:00Z")


def test_what_is_no_database_of_answers_is_said_in_a_sentence(folder):
    path, study = folder / ANSWERS_NAME, read_study(folder)
    path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with pytest.raises(OrateError, match=r"answers\.sqlite cannot be used for answers"):
        AnswerStore(path, study)
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 9")
    with pytest.raises(OrateError, match="is of version 9"):
        AnswerStore(path, study)
    with pytest.raises(OrateError, match="cannot be used"):
        AnswerStore(folder / "no" / "answers.sqlite", study)
