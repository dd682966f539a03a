"""The folder of a report: written whole, gone on with, refused to others; its page."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from orate.errors import OrateError
from orate.evaluation.clip_record import ClipFigures, VideoRecord
from orate.evaluation.report import CLIP_FIGURES, ROWS, MeasuredClip
from orate.evaluation.report_files import write_report
from orate.evaluation.report_folder import KeptClip, ReportFolder, contact_sheet, measured_clips
from orate.evaluation.report_html import report_page, worst_first
from orate.evaluation.report_svg import blink_histogram, curves
from orate.evaluation.report_tables import clip_tables, motion_tables, photo_table
from orate.media.video import video_info

RATE, NAN = 8_000, float("nan")
TOLD = {"model": "abc", "data": ["1"], "--limit": None}


def figures(key="s1_a", correlation=0.5, distance=0.01, said="bin blue at f two now", opening=(0.0, 0.1, NAN, 0.2)):
    rows = {row: dict.fromkeys(CLIP_FIGURES, 0.5) for row in ROWS}
    rows["model"] |= {"mouth_correlation": correlation, "mouth_lmd": distance, "blink_s": NAN, "psnr": float("inf")}
    video = VideoRecord(list(opening), [[0.0, 1.0, 2.0, 3.0]] * len(opening), [(0.1, 0.3), (0.5, NAN)], "set <red>")
    return ClipFigures(key, "s1", rows, said, 25.0, dict.fromkeys(ROWS, video))


def measured(key="s1_a", **known):
    frames = np.random.default_rng(0).integers(0, 256, (6, 32, 24, 3), np.uint8)
    return MeasuredClip(figures(key, **known), frames, 255 - frames, np.zeros(6 * RATE // 25, np.float32))


def test_a_clip_is_kept_and_found(tmp_path):
    folder = ReportFolder(tmp_path / "report", TOLD)
    assert not folder.goes_on
    assert folder.kept(3, "s1_a") is None
    kept = folder.keep(3, measured(), RATE)
    again = ReportFolder(tmp_path / "report", TOLD)
    assert again.goes_on
    found = again.kept(3, "s1_a")
    assert found.name == kept.name
    assert found.figures.videos["model"].blinks[0] == (0.1, 0.3)
    assert np.isnan(found.figures.videos["model"].blinks[1][1])
    assert np.isnan(found.figures.videos["model"].opening[2])
    assert found.figures.rows["model"]["ssim"] == 0.5
    assert found.figures.as_json() == kept.figures.as_json()
    info = video_info(tmp_path / "report" / "clips" / f"{kept.name}.mp4")
    assert (info.width, info.height) == (2 * 2 * 24, 2 * 32)
    assert not [path for path in (tmp_path / "report").rglob("*") if path.name.startswith(".")]


def test_what_was_cut_off_is_measured_again(tmp_path):
    folder = ReportFolder(tmp_path / "report", TOLD)
    kept = folder.keep(0, measured(), RATE)
    clips = tmp_path / "report" / "clips"
    (clips / f"{kept.name}.json").write_text('{"key": "s1')
    assert folder.kept(0, "s1_a") is None
    folder.keep(0, measured(), RATE)
    (clips / f"{kept.name}.mp4").unlink()
    assert folder.kept(0, "s1_a") is None


def test_other_values_are_refused_in_one_sentence(tmp_path):
    ReportFolder(tmp_path / "report", TOLD)
    with pytest.raises(OrateError, match=r"begun with another model and another data: name another folder") as error:
        ReportFolder(tmp_path / "report", TOLD | {"model": "abd", "data": ["2"]})
    assert "\n" not in str(error.value)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"x")
    with pytest.raises(OrateError, match="holds other files"):
        ReportFolder(tmp_path / "photos", TOLD)
    with pytest.raises(OrateError, match="is a file"):
        ReportFolder(tmp_path / "photos" / "a.jpg", TOLD)
    with pytest.raises(OrateError, match="does not exist"):
        ReportFolder(tmp_path / "no" / "report", TOLD)


class Evaluation:
    """Stands in for `ClipEvaluation`; breaks off at one clip."""

    audio_rate = RATE

    def __init__(self, breaks_at=None):
        self.clips, self._breaks_at, self.seen = self, breaks_at, []

    def sample(self, index):
        return type("Sample", (), {"key": f"s1_{index}"})

    def __call__(self, index):
        if index == self._breaks_at:
            raise KeyboardInterrupt
        self.seen.append(index)
        return measured(f"s1_{index}")


def test_the_same_command_goes_on(tmp_path):
    folder = ReportFolder(tmp_path / "report", TOLD)
    first = Evaluation(breaks_at=4)
    with pytest.raises(KeyboardInterrupt):
        list(measured_clips(first, [0, 2, 4, 6], folder))
    second = Evaluation()
    kept = list(measured_clips(second, [0, 2, 4, 6], ReportFolder(tmp_path / "report", TOLD)))
    assert (first.seen, second.seen) == ([0, 2], [4, 6])
    assert [clip.figures.key for clip in kept] == ["s1_0", "s1_2", "s1_4", "s1_6"]
    assert len(list(measured_clips(Evaluation(), [1]))) == 1  # without a folder


def test_the_worst_clips_come_first():
    clips = [
        KeptClip("fine", figures(correlation=0.9)),
        KeptClip("unknown", figures(correlation=NAN, distance=NAN)),
        KeptClip("bad", figures(correlation=0.1)),
        KeptClip("far", figures(correlation=0.1, distance=0.2)),
        KeptClip("opposed", figures(correlation=-0.5)),
    ]
    assert [clip.name for clip in worst_first(clips)] == ["opposed", "far", "bad", "fine", "unknown"]


class Page(HTMLParser):
    """Collects what a page asks for, and checks that its tags close."""

    def __init__(self):
        super().__init__()
        self.asked, self.open, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.asked += [value for name, value in attrs if name in ("src", "href", "poster", "srcset", "action")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


def test_the_page_asks_only_for_files_beside_it(tmp_path):
    folder = ReportFolder(tmp_path / "report", TOLD)
    kept = [folder.keep(index, measured(f"s1_{index}"), RATE) for index in range(12)]
    report = {"model": "default", "not_measured": ["There is no <lip reader>."]}
    write_report(folder.folder, "default on 12 clips", report, kept)
    text = (folder.folder / "index.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(page.asked) == 12 * 4
    assert all((folder.folder / name).is_file() for name in page.asked)
    assert not re.search(r"https?:|//|@import|url\(|<script", text.replace("<!doctype", ""))
    words = "".join(page.words)
    assert "There is no <lip reader>." in words
    assert "set <red>" in words
    assert words.index("The worst 10 clips") < words.index("The others")
    assert 'name="viewport"' in text
    assert json.loads((folder.folder / "report.json").read_text()) == report
    markdown = (folder.folder / "report.md").read_text()
    for told in (
        "Not measured: There is no",
        "| s1: model | 12 |",
        "| s1: floor |",
        "| paper: GRID |",
        "27.100",
        "23.1%",
    ):
        assert told in markdown
    table = [line for line in markdown.splitlines() if line.startswith(("| s1: model", "| paper: GRID"))]
    assert len({line.count("|") for line in table}) == 1


def test_photos_and_motion_stand_in_the_report_too():
    photos = {
        "figures": {"jitter": "how it trembles"},
        "videos": [{"photo": "a|b.jpg", "speech": "c.wav", "jitter": None}],
        "mean": {"jitter": 0.25},
    }
    table = photo_table(photos)
    assert table.rows == [["a|b.jpg", "c.wav", "-"], ["mean", "", "0.25"]]
    assert "a\\|b.jpg" in table.markdown()
    motion = {
        "mean": {"mouth_correlation": 0.6},
        "people": [{"person": "one", "tracks": 3, "mouth_correlation": 0.5}],
        "movement": {"seconds": 3.2, "generated": {"brow_cm": 0.1}, "real": {"brow_cm": 0.2}},
    }
    people, movement = motion_tables(motion)
    assert people.rows == [["one", "3", "0.5"], ["mean", "", "0.6"]]
    assert movement.rows == [["brow_cm", "0.1", "0.2"]]
    assert "<td>brow_cm</td>" in report_page("x", [], [people, movement])


def test_only_known_figures_stand_in_the_tables():
    first, second = clip_tables([figures()])
    model = dict(zip(first.columns, first.rows[0], strict=True))
    assert (model["clips"], model["SSIM"], model["PSNR"], model["WER"]) == ("1", "0.500", "-", "100.0%")
    assert "head_variety_deg" not in [row[0] for row in second.rows]  # one clip has none


def test_curves_break_where_nothing_is_known():
    drawn = curves([("model", [0.0, 0.1, NAN, 0.2, 0.1]), ("ceiling", [0.2] * 5)], 25.0, "a & b")
    lines = re.findall(r'class="(\w+)" points="([^"]*)"', drawn)
    assert [(name, len(points.split())) for name, points in lines] == [("model", 2), ("model", 2), ("ceiling", 5)]
    heights = [float(point.split(",")[1]) for point in lines[0][1].split()]
    assert heights[0] > heights[1]  # up is open
    assert float(lines[1][1].split()[0].split(",")[0]) > float(lines[0][1].split()[1].split(",")[0])
    assert "a &amp; b" in drawn
    assert "nan" not in curves([("model", [NAN, NAN])], 25.0, "")
    assert curves([("model", [])], 25.0, "").startswith("<svg")


def test_blinks_are_counted_by_their_length():
    drawn = blink_histogram([("ceiling", [0.2, 0.21, NAN, 5.0]), ("model", [])], "blinks")
    bars = [(name, float(tall)) for name, tall in re.findall(r'class="(ceiling|model)"[^>]*height="([\d.]+)"', drawn)]
    tall = [height for name, height in bars if name == "ceiling"]
    assert len(tall) == 10
    assert tall[2] == 2 * tall[9] > 0
    assert sum(height > 0 for height in tall) == 2
    assert all(height == 0 for name, height in bars if name == "model")


def test_a_sheet_shows_the_real_clip_above():
    real, made = np.full((30, 8, 6, 3), 200, np.uint8), np.full((30, 8, 6, 3), 20, np.uint8)
    sheet = contact_sheet(real, made)
    assert sheet.shape == (20, 72, 3)
    assert (sheet[:8] == 200).all()
    assert (sheet[12:] == 20).all()
    assert contact_sheet(real[:3], made[:3]).shape == (20, 18, 3)
