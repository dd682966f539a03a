"""The application of a study, request by request, from the first page to the score."""

import csv
import io
import logging
import sqlite3
from collections import Counter

import pytest
from small_study import SETTINGS, answer_all
from starlette.testclient import TestClient

from orate.errors import OrateError
from orate.study.app import study_app
from orate.study.folder import ANSWERS_NAME, clip_path, read_study
from orate.study.store import AnswerStore

CLIPS = SETTINGS.per_person


@pytest.fixture
def client(folder):
    return TestClient(study_app(folder))


def begin(client):
    reply = client.post("/api/begin", json={"consent": True})
    assert reply.status_code == 200
    return reply.json()["person"]


def answer(client, position, said_real=True, **changes):
    given = {"position": position, "said_real": said_real, "seconds": 4.2, "plays": 1, **changes}
    return client.post("/api/answer", json=given)


def truth(folder):
    """For each clip's bytes whether they are generated."""
    study = read_study(folder)
    files = {clip_path(folder, clip.real).read_bytes(): False for clip in study.clips}
    return files | {clip_path(folder, clip.generated).read_bytes(): True for clip in study.clips}


def test_from_the_first_page_to_the_score(client, folder):
    state = client.get("/api/state").json()
    assert state["person"] is None
    assert state["clips"] == CLIPS
    assert state["contact"] == SETTINGS.contact
    assert state["consent"]
    begin(client)
    generated = truth(folder)
    shown = []
    for position in range(CLIPS):
        video = client.get(f"/clips/{position}.mp4")
        assert video.headers["content-type"] == "video/mp4"
        shown.append(generated[video.content])
        person = answer(client, position, said_real=position != 0 and not shown[-1]).json()["person"]
        assert person["answered"] == position + 1
    wrong = not shown[0]  # the first was said to be fake
    assert Counter(shown) == {True: CLIPS // 2, False: CLIPS // 2}
    assert person["score"] == {
        "right": CLIPS - wrong,
        "real": CLIPS // 2,
        "real_right": CLIPS // 2 - wrong,
        "generated": CLIPS // 2,
        "generated_right": CLIPS // 2,
    }
    assert client.get("/api/state").json()["person"] == person


def test_nothing_that_a_person_gets_tells_what_is_real(client, folder):
    begin(client)
    study = read_study(folder)
    video = client.get("/clips/0.mp4")
    said = str([client.get("/api/state").text, answer(client, 0).text, video.headers, client.cookies])
    for clip in study.clips:
        for secret in (clip.real, clip.generated, clip.key, study.operator_key, study.model):
            assert secret.removesuffix(".mp4") not in said
    for path in ("/study.json", "/answers.sqlite", "/clips/../study.json", f"/clips/{study.clips[0].real}", "/docs"):
        assert client.get(path).status_code in (404, 422)
    assert "score" not in answer(client, 1).json()["person"] or answer(client, 1).json()["person"]["score"] is None


def test_parts_of_a_clip(client):
    begin(client)
    whole = client.get("/clips/0.mp4")
    assert whole.headers["accept-ranges"] == "bytes"
    part = client.get("/clips/0.mp4", headers={"Range": "bytes=100-299"})
    assert part.status_code == 206
    assert part.content == whole.content[100:300]
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    assert client.get("/clips/0.mp4", headers={"Range": "bytes=99999999-"}).status_code == 416


def test_clips_come_in_turn(client):
    assert client.get("/clips/0.mp4").status_code == 401
    begin(client)
    codes = [client.get(f"/clips/{position}.mp4").status_code for position in (0, 1, 2, 3, -1, 99)]
    assert codes == [200, 200, 404, 404, 404, 404]  # the next one may be loaded while this one is watched
    answer(client, 0)
    assert client.get("/clips/2.mp4").status_code == 200
    assert client.get("/clips/one.mp4").status_code == 422


def test_a_clip_is_answered_once(client):
    begin(client)
    assert answer(client, 0).status_code == 200
    for position in (0, 2):
        again = answer(client, position, said_real=False)
        assert again.status_code == 409
        assert again.json()["person"]["answered"] == 1  # the page goes on from where things stand
        assert "answered already" in again.json()["error"]


def test_a_reload_and_a_restart_go_on(client, folder):
    number = begin(client)["number"]
    first = client.get("/clips/0.mp4").content
    answer(client, 0)
    second = client.get("/clips/1.mp4").content
    restarted = TestClient(study_app(folder), cookies=client.cookies)
    person = restarted.get("/api/state").json()["person"]
    assert (person["number"], person["answered"]) == (number, 1)
    assert (restarted.get("/clips/0.mp4").content, restarted.get("/clips/1.mp4").content) == (first, second)
    assert answer(restarted, 0).status_code == 409
    for position in range(1, CLIPS):
        assert answer(restarted, position).status_code == 200
    assert restarted.get("/api/state").json()["person"]["score"]["right"] == CLIPS // 2  # "real" to everything


def test_people_do_not_mix(folder):
    app = study_app(folder)
    people = [TestClient(app) for _ in range(3)]
    assert [begin(person)["number"] for person in people] == [1, 2, 3]
    for person, answered in zip(people, (1, 2, 4), strict=True):
        for position in range(answered):
            answer(person, position)
    states = [person.get("/api/state").json()["person"] for person in people]
    assert [state["answered"] for state in states] == [1, 2, 4]
    assert [state["score"] is None for state in states] == [True, True, False]


def test_beginning_twice_goes_on_and_a_finished_person_cannot_begin_anew(client):
    assert begin(client)["number"] == 1
    answer(client, 0)
    assert begin(client) == {"number": 1, "answered": 1, "score": None}
    for position in range(1, CLIPS):
        answer(client, position)
    assert begin(client)["score"] is not None


def test_on_a_shared_device_the_next_person_begins(folder):
    client = TestClient(study_app(folder, shared_device=True))
    assert client.get("/api/state").json()["shared_device"] is True
    for number in (1, 2):
        assert begin(client)["number"] == number
        assert begin(client)["number"] == number  # not before the one before has finished
        for position in range(CLIPS):
            answer(client, position)


def test_withdrawing_deletes_the_answers(client, folder):
    begin(client)
    answer(client, 0)
    assert client.post("/api/withdraw").json()["person"] is None
    assert client.get("/api/state").json()["person"] is None
    assert answer(client, 1).status_code == 401
    assert AnswerStore(folder / ANSWERS_NAME, read_study(folder)).answers() == []
    assert client.post("/api/withdraw").status_code == 401


def test_the_cookie_is_for_this_server_alone(folder):
    app = study_app(folder)
    plain = TestClient(app).post("/api/begin", json={"consent": True}).headers["set-cookie"].lower()
    assert "httponly" in plain
    assert "samesite=strict" in plain
    assert "secure" not in plain
    https = TestClient(app, base_url="https://study.example.org").post("/api/begin", json={"consent": True})
    assert "secure" in https.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("begin", {}),
        ("begin", {"consent": False}),
        ("begin", {"consent": True, "name": "Ada"}),
        ("begin", []),
        ("answer", {"position": 0}),
        ("answer", {"position": "0", "said_real": True, "seconds": 1, "plays": 1}),
        ("answer", {"position": 0, "said_real": "maybe", "seconds": 1, "plays": 1}),
        ("answer", {"position": -1, "said_real": True, "seconds": 1, "plays": 1}),
        ("answer", {"position": 0, "said_real": True, "seconds": -1, "plays": 1}),
        ("answer", {"position": 0, "said_real": True, "seconds": 1, "plays": 0}),
        ("answer", {"position": 0, "said_real": True, "seconds": 1, "plays": 1, "email": "a@b.c"}),
    ],
)
def test_bad_requests_are_one_sentence(client, folder, path, body):
    if path == "answer":
        begin(client)
    reply = client.post(f"/api/{path}", json=body)
    assert reply.status_code == 422
    assert list(reply.json()) == ["error"]
    assert reply.json()["error"].startswith("The request is wrong at ")
    assert AnswerStore(folder / ANSWERS_NAME, read_study(folder)).answers() == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"position": NaN}', b"null"])
def test_what_is_no_json_is_one_sentence(client, content):
    begin(client)
    reply = client.post("/api/answer", content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert list(reply.json()) == ["error"]


def test_other_addresses_and_methods_are_one_sentence(client):
    for reply in (client.get("/nothing"), client.get("/api/nothing"), client.put("/api/answer")):
        assert reply.status_code in (404, 405)
        assert list(reply.json()) == ["error"]


def test_a_cookie_of_somebody_unknown_is_nobody(client, folder):
    client.cookies.set(f"orate_study_{read_study(folder).id}", "made up")
    assert client.get("/api/state").json()["person"] is None
    assert client.get("/clips/0.mp4").status_code == 401
    assert begin(client)["number"] == 1


def test_answers_that_cannot_be_written_are_said(client, monkeypatch):
    begin(client)

    def full(*arguments):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(AnswerStore, "answer", full)
    reply = answer(client, 0)
    assert reply.status_code == 503
    assert "disk is full" in reply.json()["error"]


def test_the_page_asks_nobody_else(client):
    for path in ("/", "/study.js", "/study.css"):
        reply = client.get(path)
        assert reply.status_code == 200
        assert "http://" not in reply.text
        assert "https://" not in reply.text
        assert reply.headers["content-security-policy"].startswith("default-src 'self'")
        assert reply.headers["referrer-policy"] == "no-referrer"
    assert client.get("/api/state").headers["cache-control"] == "no-store"


def test_the_operator_gets_the_results_and_others_do_not(client, folder):
    study = read_study(folder)
    store = AnswerStore(folder / ANSWERS_NAME, study)
    for right in (4, 3):
        answer_all(store, right)
    home = f"/results/{study.operator_key}/"
    page = client.get(home)
    assert page.status_code == 200
    for word in ("7 / 8", "87.5%", "binomial", study.model, "clips.csv", *(clip.key for clip in study.clips)):
        assert word in page.text
    people = list(csv.DictReader(io.StringIO(client.get(f"{home}people.csv").text)))
    assert [(row["person"], row["right"], row["answers"]) for row in people] == [("1", "4", "4"), ("2", "3", "4")]
    assert client.get(f"{home}answers.csv").text.count("\r\n") == 9
    assert client.get(f"{home}clips/{study.clips[0].real}").headers["content-type"] == "video/mp4"
    assert client.get(f"{home}clips/{'0' * 16}.mp4").status_code == 404
    assert client.get(f"{home}secrets.csv").status_code == 404
    for key in ("wrong", "ü", study.operator_key[:-1], study.operator_key + "x"):
        for path in ("", "people.csv", f"clips/{study.clips[0].real}"):
            assert client.get(f"/results/{key}/{path}").status_code == 404


def test_a_folder_without_a_study_is_one_sentence(tmp_path):
    with pytest.raises(OrateError, match="holds no study"):
        study_app(tmp_path)


def test_nothing_is_reported_to_anybody(client, caplog):
    with caplog.at_level(logging.INFO, logger="uvicorn"):
        begin(client)
    assert "127.0.0.1" not in caplog.text
    assert client.app._telemetry["tracing"] is False
