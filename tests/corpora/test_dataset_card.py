import hashlib
import json
import logging
import re
import shutil
from collections import Counter

import cv2
import mlcroissant
import numpy as np
import pytest

from orate.corpora import card, plots
from orate.corpora.card import write_card
from orate.corpora.card_text import MARK
from orate.corpora.contact_sheet import shown_samples
from orate.corpora.report import DroppedClip, Report
from orate.corpora.shards import Index, Sample, read_index, write_atomically

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib.*")  # mlcroissant's


@pytest.fixture
def folder(prepared, tmp_path):
    """A copy of the prepared folder, card and all."""
    shutil.copytree(prepared[0], tmp_path / "folder", ignore=shutil.ignore_patterns(".prepare"))
    return tmp_path / "folder"


def pictures(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "plots").iterdir())}


def invented(count, **kinds):
    """A report of clips that lie in no shard; each of ``kinds`` gives a sample's field by its number."""
    draw = np.random.default_rng(0)
    samples = [
        Sample(
            **{
                "key": f"c{number:05d}",
                "shard": "shard-000000.tar",
                "frames": int(draw.integers(30, 200)),
                "speaker": f"s{number % 60:02d}",
                "split": ("train", "train", "validation", "test")[number % 4],
                "unseen_speaker": False,
                "psnr_db": 52.0,
                "members": {},
                **{name: value(number) for name, value in kinds.items()},
            }
        )
        for number in range(count)
    ]
    index = Index(fps=25, rate=50_000, height=128, width=96, shards=[], samples=samples)
    dropped = [
        DroppedClip(key=f"d{k}", source="x.mp4", reason=("no face", "cut")[k % 3 > 0], detail="") for k in range(9)
    ]
    return Report(index=index, dropped=dropped)


def write(report, folder):
    folder.mkdir(exist_ok=True)
    write_atomically(folder / "index.json", report.index.to_bytes())
    write_card(folder, report)
    return (folder / "README.md").read_text()


def test_card_tells_what_the_report_counts(prepared, folder):
    text = (folder / "README.md").read_text()
    report = prepared[1]
    assert text.startswith(MARK)
    assert f"{len(report.index.samples)} clips, " in text
    assert "| train | 4 |" in text
    assert "| validation | 2 |" in text
    assert "Held out whole, in no clip of the training part: 1 speaker." in text
    for reason, count in Counter(clip.reason for clip in report.dropped).items():
        assert f"| {reason} | {count} | {count / 14:.1%} |" in text
    assert "| voice | False |" in text
    assert "| rate | 50000 |" in text
    assert "CC BY 4.0" in text
    assert "The audio-visual offset was not measured." in text


def test_every_picture_is_there_and_used(folder):
    named = re.findall(r"!\[.+\]\(plots/(.+)\)", (folder / "README.md").read_text())
    assert sorted(named) == sorted(pictures(folder))
    assert {"faces.png", "durations.png", "speakers.png", "head-angles.png", "magnification.png", "dropped.png"} == set(
        named
    )
    for data in pictures(folder).values():
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert image.std() > 10  # something is drawn


def test_sheet_shows_the_first_frames(prepared, folder):
    sheet = cv2.imdecode(np.frombuffer(pictures(folder)["faces.png"], np.uint8), cv2.IMREAD_COLOR)
    count = len(prepared[1].index.samples)
    assert sheet.shape == (128, count * 100 - 4, 3)
    gaps = sheet[:, 96:100]
    assert (gaps == 255).all()


def test_card_is_the_same_again(prepared, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in [folder / "README.md", folder / "croissant.json", *(folder / "plots").iterdir()]:
        path.unlink()
    write_card(folder, prepared[1])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_card_that_someone_took_over_stays(prepared, folder):
    (folder / "README.md").write_text("# My clips\n")
    (folder / "croissant.json").unlink()
    write_card(folder, prepared[1])
    assert (folder / "README.md").read_text() == "# My clips\n"
    assert (folder / "croissant.json").exists()


def test_without_matplotlib(prepared, folder, monkeypatch):
    shutil.rmtree(folder / "plots")
    monkeypatch.setattr(card, "available", lambda: False)
    write_card(folder, prepared[1])
    assert "pip install 'orate[train]'" in (folder / "README.md").read_text()
    assert list(pictures(folder)) == ["faces.png"]


def test_command_and_figures_of_cleaning(tmp_path):
    report = invented(
        240,
        corpus=lambda n: "crema-d",
        emotion=lambda n: ("anger", "")[n % 2],
        emotion_level=lambda n: ("high", "")[n % 2],
        offset=lambda n: ("in time", "corrected", "unsure")[n % 3],
        offset_s=lambda n: 0.12 if n % 3 == 1 else 0.0,
        voiced=lambda n: 0.5 + n / 1000,
        magnification=lambda n: 1.25,
        yaw_deg=lambda n: n / 10 - 11.99,
        pitch_deg=lambda n: 3.0,
        roll_deg=lambda n: 0.0,
    )
    text = write(report, tmp_path / "out")
    assert "| anger | high | 120 |" in text
    assert "| not told |  | 120 |" in text
    assert "80 in time, 80 corrected, 80 unsure; corrected by 120 to 120 ms" in text
    assert "| yaw, degrees | -10.8 | 0.0 | 10.7 |" in text
    assert "Open Database License" in text
    drawn = set(pictures(tmp_path / "out"))
    assert drawn == {name for name in drawn if name != "faces.png"}
    assert {"voiced.png", "offsets.png"} <= drawn


def test_empty_folder_has_a_card(tmp_path):
    text = write(invented(0), tmp_path / "out")
    assert "0 clips, 0.0 min of 0 speakers" in text
    assert set(pictures(tmp_path / "out")) == {"dropped.png"}
    records(tmp_path / "out")


def test_sheet_takes_turns():
    samples = invented(200).index.samples
    shown = shown_samples(samples)
    assert len(shown) == 24
    assert len({sample.speaker for sample in shown}) == 24
    few = shown_samples([sample for sample in samples if sample.speaker in ("s00", "s01", "s02")][:8])
    assert Counter(sample.speaker for sample in few) == {"s00": 3, "s01": 3, "s02": 2}


def test_plots_do_not_depend_on_the_users_style(prepared, folder):
    import matplotlib

    before = pictures(folder)
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black"}):
        assert all(data == before[name] for name, _, data in plots.plots(prepared[1]))


def records(folder):
    """What mlcroissant reads from the folder; its complaints are errors here."""
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not dataset.metadata.issues.errors
    return list(dataset.records("clips"))


def test_croissant_yields_a_record_a_clip(prepared, folder, caplog):
    caplog.set_level(logging.ERROR)
    rows = records(folder)
    assert not caplog.records
    index = read_index(folder)
    assert [row["clips/key"].decode() for row in rows] == [sample.key for sample in index.samples]
    for row, sample in zip(rows, index.samples, strict=True):
        assert row["clips/frames"] == sample.frames
        assert row["clips/split"] == sample.split.encode()
        assert bool(row["clips/unseen_speaker"]) == sample.unseen_speaker
        assert row["clips/magnification"] == pytest.approx(sample.magnification)
        assert row["clips/yaw_deg"] == pytest.approx(sample.yaw_deg)


def test_croissant_lists_every_shard_with_its_checksum(folder):
    listed = json.loads((folder / "croissant.json").read_text())["distribution"]
    files = {entry["contentUrl"]: entry["sha256"] for entry in listed if entry["@type"] == "cr:FileObject"}
    there = [path for path in folder.iterdir() if path.suffix == ".tar" or path.name == "index.json"]
    assert files == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in there}


def test_croissant_finds_a_changed_index(folder):
    path = folder / "index.json"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(Exception, match=r"Download\(index.json\)") as raised:
        records(folder)
    assert "not identical" in str(raised.value.__cause__)
