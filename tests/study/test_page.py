"""The page in a real browser, from the first page to the last, with the keyboard alone, with the mouse, on a phone."""

import threading

import pytest
import uvicorn
from browser import Browser, find_browser
from small_study import SETTINGS

from orate.study.app import study_app
from orate.study.folder import ANSWERS_NAME, read_study
from orate.study.server import address_of, bind
from orate.study.store import AnswerStore

CLIPS = SETTINGS.per_person
PROGRAM = find_browser()
WATCHED = "document.querySelector('#real').getAttribute('aria-disabled') == 'false'"
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine (apt install chromium)")


class Served:
    """A study on a free port, in a thread; it can be stopped and started again at the same address."""

    def __init__(self, folder, port=0):
        self.folder, self.port = folder, port
        self.start()

    def start(self):
        self.socket = bind("127.0.0.1", self.port)
        self.address, self.port = address_of(self.socket), self.socket.getsockname()[1]
        config = uvicorn.Config(study_app(self.folder), log_level="warning", access_log=False, lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def stop(self):
        self.server.should_exit = self.server.force_exit = True
        self.thread.join()
        self.socket.close()


@pytest.fixture
def served(folder):
    served = Served(folder)
    yield served
    served.stop()


@pytest.fixture
def browser(tmp_path):
    with Browser(PROGRAM, tmp_path / "profile") as browser:
        browser.size(1280, 800)
        yield browser


def shown(section):
    return f"!document.querySelector('#{section}').hidden"


def at_clip(number):
    return f"document.querySelector('#place').textContent == 'Clip {number} of {CLIPS}' && {WATCHED}"


def wide(browser):
    """Whether the page is wider than the screen."""
    return browser.run("document.documentElement.scrollWidth > innerWidth")


def test_with_the_keyboard_alone_and_a_reload_on_the_way(browser, served, folder):
    browser.open(served.address)
    browser.wait(shown("consent"))
    assert SETTINGS.contact in browser.text()
    for key in ("Tab", "Tab", "Enter"):  # past the test tone
        browser.key(key)
    browser.wait(shown("watch"))
    browser.wait(at_clip(1))
    assert browser.run("document.querySelector('video').currentTime") > 0.3
    browser.key("r")
    browser.wait(at_clip(2))
    browser.open(served.address)
    browser.wait(shown("watch"))
    assert "Clip 2 of" in browser.text()
    browser.wait(f"{WATCHED} || {shown('start')}")
    if browser.run(shown("start")):  # this browser plays sound only after a touch
        browser.click("#start")
    browser.wait(at_clip(2))
    browser.key("f")
    browser.wait(at_clip(3))
    browser.key("p")  # play again
    browser.key("f")
    browser.wait(at_clip(4))
    browser.key("r")
    browser.wait(shown("done"))
    store = AnswerStore(folder / ANSWERS_NAME, read_study(folder))
    answers = store.answers()
    assert [answer.said_real for answer in answers] == [True, False, False, True]
    assert [answer.plays for answer in answers] == [1, 1, 2, 1]
    assert all(0.3 < answer.seconds < 30 for answer in answers)
    assert f"You were right about {sum(answer.right for answer in answers)} of {CLIPS} clips." in browser.text()
    assert browser.errors == []
    assert all(address.startswith((served.address, "data:")) for address in browser.requests)


def test_answers_wait_until_the_clip_was_watched(browser, served, folder):
    browser.open(served.address)
    browser.wait(shown("consent"))
    browser.run("HTMLMediaElement.prototype.play = () => new Promise(() => {})")  # a clip that never ends
    browser.click("#begin")
    browser.wait(shown("watch"))
    browser.key("r")
    browser.click("#fake")
    browser.click("#replay")
    assert "Clip 1 of" in browser.text()
    assert AnswerStore(folder / ANSWERS_NAME, read_study(folder)).answers() == []


def test_on_a_phone_nothing_is_cut_off(browser, served):
    browser.size(320, 568, phone=True)
    browser.open(served.address)
    browser.wait(shown("consent"))
    assert not wide(browser)
    browser.click("#begin")
    browser.wait(at_clip(1))
    assert not wide(browser)
    # all that is needed is on the screen at once
    assert browser.run("document.querySelector('#replay').getBoundingClientRect().bottom <= innerHeight")
    assert browser.run("document.querySelector('#place').getBoundingClientRect().top >= 0")
    for number in range(1, CLIPS + 1):
        browser.wait(at_clip(number))
        browser.click("#real")
    browser.wait(shown("done"))
    assert not wide(browser)
    assert f"right about {CLIPS // 2} of {CLIPS}" in browser.text()


def test_a_server_that_is_restarted_loses_no_answer(browser, served, folder):
    browser.open(served.address)
    browser.wait(shown("consent"))
    browser.click("#begin")
    browser.wait(at_clip(1))
    served.stop()
    browser.key("r")
    browser.wait(shown("trouble"))
    assert "not saved yet" in browser.text()
    served.start()
    browser.click("#again")
    browser.wait(at_clip(2))
    assert not browser.run(shown("trouble"))
    assert len(AnswerStore(folder / ANSWERS_NAME, read_study(folder)).answers()) == 1


def test_withdrawing_asks_first_and_deletes(browser, served, folder):
    browser.open(served.address)
    browser.wait(shown("consent"))
    browser.click("#begin")
    browser.wait(at_clip(1))
    browser.key("f")
    browser.wait(at_clip(2))
    browser.click("#withdraw")  # the browser of these tests says yes
    browser.wait(shown("consent"))
    browser.wait(shown("deleted"))
    assert AnswerStore(folder / ANSWERS_NAME, read_study(folder)).began() == 0


def test_the_operators_page(browser, served, folder):
    browser.open(f"{served.address}results/{read_study(folder).operator_key}/")
    browser.wait("document.title == 'Results: Real or fake?'")
    assert "no answer to count" in browser.text()
    assert not wide(browser)
    assert browser.errors == []
