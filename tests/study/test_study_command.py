"""`orate study` as people call it."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from small_study import answer_all
from tiny_model import save_tiny_model

from orate.cli.main import main
from orate.study.folder import ANSWERS_NAME, read_study
from orate.study.store import AnswerStore

WAIT_S = 60.0


@pytest.fixture
def run(capsys):
    def run_command(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["study", *map(str, arguments)])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run_command


def test_make_writes_a_study(run, shards, tmp_path):
    model, study = save_tiny_model(tmp_path / "tiny"), tmp_path / "study"
    (tmp_path / "consent.txt").write_text("Watch.\n\nAgree.")
    sizes = ("--clips", 2, "--per-person", 2, "--seconds", 0.2)
    words = ("--consent", tmp_path / "consent.txt", "--contact", "Ada")
    code, out, err = run("make", model, "--data", shards, "-o", study, *sizes, *words, "-q", "--device", "cpu")
    assert (code, out.strip(), err) == (0, str(study), "")
    made = read_study(study)
    assert (made.model, made.consent, made.contact) == ("tiny", ["Watch.", "Agree."], "Ada")
    code, _, err = run("make", model, "--data", shards, "-o", study, *sizes, "-q")
    assert code == 1
    assert err.count("\n") == 1
    assert "is there already" in err


def test_results_are_printed_and_written(run, folder, tmp_path):
    study = read_study(folder)
    store = AnswerStore(folder / ANSWERS_NAME, study)
    for right in (4, 3, 0):
        answer_all(store, right)
    output = tmp_path / "results"
    code, out, _ = run("results", folder, "-o", output, "--without", "3")
    assert code == 0
    for word in ("7 / 8", "87.5%", "exact binomial test", "who began: 3", *(clip.key for clip in study.clips)):
        assert word in out
    names = ["answers.csv", "clips.csv", "people.csv", "results.html", "summary.json"]
    assert sorted(path.name for path in output.iterdir()) == names
    assert json.loads((output / "summary.json").read_text())["right"]["right"] == 7
    assert run("results", folder, "-o", output)[0] == 0  # again, with newer answers
    assert json.loads((output / "summary.json").read_text())["right"]["right"] == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("results", "{folder}"), "Nobody has taken part"),
        (("results", "{folder}/clips"), "holds no study"),
        (("results", "{answered}", "--without", "one"), "are no numbers of people"),
        (("results", "{answered}", "-o", "{folder}/no/there"), "there is no folder"),
        (("serve", "{folder}/clips"), "holds no study"),
        (("serve", "{folder}", "--port", "70000"), "no port 70000"),
        (("serve", "{folder}", "--host", "192.0.2.1"), "cannot be used"),  # RFC 5737: nobody's
        (("make", "no-such-model", "--data", "{folder}", "-o", "{folder}/x", "-q"), "no-such-model"),
        (("make", "default", "--data", "{folder}", "-o", "x", "--per-person", "3"), "even number"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, folder, tmp_path, arguments, says):
    answered = tmp_path / "answered"
    answered.mkdir()
    (answered / "study.json").write_bytes((folder / "study.json").read_bytes())
    (answered / "clips").symlink_to(folder / "clips")
    answer_all(AnswerStore(answered / ANSWERS_NAME, read_study(answered)), 2)
    code, _, err = run(*(argument.format(folder=folder, answered=answered) for argument in arguments))
    assert code == 1
    assert says in err
    assert len(err.splitlines()) == 1


def test_without_the_extra_one_sentence_says_what_to_install(run, folder, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("orate.study.app")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    code, _, err = run("serve", folder)
    assert code == 1
    assert err == "Error: Serving a study needs FastAPI and uvicorn; install them with: pip install 'orate[study]'\n"
    assert run("results", folder)[0] == 1  # says that nobody has taken part: needs no extra


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_served_study_answers_until_it_is_stopped(folder, stop):
    command = [sys.executable, "-c", "from orate.cli.main import main; main()", "study", "serve", folder, "--port", "0"]
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = [server.stdout.readline() for _ in range(2)]
        study, results = (re.search(r"http://127\.0\.0\.1:\d+/\S*", line)[0] for line in lines)
        assert b"<!doctype html>" in read(study)
        assert b"no answer to count" in read(results)
        server.send_signal(stop)
        _, err = server.communicate(timeout=WAIT_S)
    finally:
        server.kill()
        server.communicate()
    assert "Traceback" not in err
    assert server.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[stop]


def read(address):
    until = time.monotonic() + WAIT_S
    while True:
        try:
            with urllib.request.urlopen(address, timeout=WAIT_S) as reply:  # noqa: S310 - an address of this machine
                return reply.read()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_serving_loads_no_networks(folder):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from orate.study.app import study_app\n"
        "study_app(Path(sys.argv[1]))\n"
        "assert not {'torch', 'cv2', 'openvino', 'av'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
