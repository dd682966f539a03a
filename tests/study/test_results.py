"""What answers come to: tables, the page, CSV, JSON."""

import csv
import io
import json

import pytest
from small_study import answer_all

from orate.study.findings import in_words, probability
from orate.study.folder import ANSWERS_NAME, read_study
from orate.study.results import as_json, summarise
from orate.study.results_page import results_page
from orate.study.statistics import binomial_test, wilson_interval
from orate.study.store import AnswerStore
from orate.study.tables import TABLES


@pytest.fixture
def study(folder):
    return read_study(folder)


@pytest.fixture
def store(folder, study):
    return AnswerStore(folder / ANSWERS_NAME, study)


def strict(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_figures_of_people_who_finished(study, store):
    for right in (4, 3, 0):
        answer_all(store, right, seconds=2.0 + right)
    stopped = store.begin()
    store.answer(stopped, 0, True, 9.0, 3)
    store.begin()
    results = summarise(study, store)
    assert (results.began, results.finished, results.counted) == (5, 3, 3)
    assert (results.all.right, results.all.total) == (7, 12)
    assert results.all.interval == wilson_interval(7, 12)
    assert results.chance == binomial_test(7, 12)
    assert results.real.total == results.generated.total == 6
    assert results.real.right + results.generated.right == 7
    assert [(row.person, row.all.right, row.seconds, row.plays) for row in results.people] == [
        (1, 4, 6.0, 1.0),
        (2, 3, 5.0, 1.0),
        (3, 0, 2.0, 1.0),
    ]
    assert sum(row.real.total + row.generated.total for row in results.clips) == 12
    assert sum(row.real.right for row in results.clips) == results.real.right
    shown = [row.generated.value for row in results.clips if row.generated.value is not None]
    assert shown == sorted(shown)  # the most deceptive first


def test_who_is_counted_can_be_chosen(study, store):
    answer_all(store, 4)
    answer_all(store, 1)
    stopped = store.begin()
    store.answer(stopped, 0, True, 9.0, 3)
    assert summarise(study, store, without={1}).all.right == 1
    everybody = summarise(study, store, unfinished=True)
    assert (everybody.counted, everybody.all.total) == (3, 9)
    assert [row.finished for row in everybody.people] == [True, True, False]
    nobody = summarise(study, store, without={1, 2})
    assert (nobody.began, nobody.counted, nobody.answers) == (3, 0, [])


def test_always_saying_real_is_chance(study, store):
    for _ in range(2):
        person = store.begin()
        for position in range(4):
            store.answer(person, position, True, 1.0, 1)
    results = summarise(study, store)
    assert (results.all.value, results.real.value, results.generated.value) == (0.5, 1.0, 0.0)


def test_the_words_say_what_the_figures_say(study, store):
    assert in_words(summarise(study, store)) == []
    for _ in range(8):
        answer_all(store, 4)
    words = " ".join(in_words(summarise(study, store)))
    assert "100.0% of 32 answers are right" in words
    assert "less than 0.001" in words
    assert "People can tell" in words
    for _ in range(8):
        answer_all(store, 0)
    words = " ".join(in_words(summarise(study, store)))
    assert "50.0% of 64 answers" in words
    assert "do not show that people cannot" in words
    words = " ".join(in_words(summarise(study, store, without=range(1, 9))))
    assert "wrong more often than by guessing" in words
    assert probability(0.0415) == "0.042"


def test_tables_as_csv(study, store):
    answer_all(store, 4)
    answer_all(store, 2)
    results = summarise(study, store)
    rows = {name: list(csv.DictReader(io.StringIO(table(results), newline=""))) for name, table in TABLES.items()}
    assert [len(rows[name]) for name in ("people", "clips", "answers")] == [2, 12, 8]
    first = rows["people"][0]
    assert [first[name] for name in ("person", "finished", "right", "answers", "share")] == [
        "1",
        "true",
        "4",
        "4",
        "1.0",
    ]
    assert [first[name] for name in ("wilson_low", "wilson_high")] == ["0.5101", "1.0"]
    assert [first[name] for name in ("real_right", "real", "generated_right", "generated")] == ["2"] * 4
    assert (
        sum(int(row["right"]) for row in rows["clips"]) == sum(row["right"] == "true" for row in rows["answers"]) == 6
    )
    assert {row["version"] for row in rows["answers"]} == {"real", "generated"}
    assert all((row["version"] == row["answer"]) == (row["right"] == "true") for row in rows["answers"])
    assert [row["position"] for row in rows["answers"]] == list("12341234")
    assert all((row["share"] == "") == (row["answers"] == "0") for row in rows["clips"])
    assert not {"token", "seed"} & {column for table in rows.values() for column in table[0]}


def test_json_and_page_hold_also_without_answers(study, store):
    empty = strict(json.dumps(as_json(study, summarise(study, store))))
    assert empty["right"] == {"right": 0, "of": 0, "share": None, "wilson_95": None}
    assert empty["binomial_test_against_chance"] is None
    assert "no answer to count" in results_page(study, summarise(study, store))
    answer_all(store, 3)
    figures = strict(json.dumps(as_json(study, summarise(study, store))))
    assert figures["right"]["share"] == 0.75
    assert figures["people"] == {"began": 1, "finished": 1, "counted": 1}
    assert figures["interval_over_people_and_clips"] is None  # of one person


def test_the_page_is_whole_and_escapes_names(study, store):
    answer_all(store, 3)
    odd = study.model_copy(update={"title": "<script>x</script>", "model": "a&b"})
    page = results_page(odd, summarise(odd, store))
    assert "<script" not in page
    assert "a&amp;b" in page
    assert "http" not in page
    assert "csv" not in page  # there is nothing beside a page that was written to a file
