"""The report counts what was kept, what was dropped and why, and what became of the sound."""

import json
from io import StringIO

import pytest
from rich.console import Console

from orate.corpora.cleaning.figures import OffsetState
from orate.corpora.cleaning.reasons import DropReason
from orate.corpora.report import REPORT_NAME, ROWS_SHOWN, DroppedClip, Report
from orate.corpora.shards import Index, Sample


def sample(number, **told):
    told = {"speaker": "s1", "split": "train", "voiced": 0.5, **told}
    return Sample(key=f"k{number}", shard="", frames=50, unseen_speaker=False, psnr_db=50.0, members={}, **told)


def dropped(reason, count=1, detail=""):
    return [DroppedClip(key=f"{reason}{n}", source="a.mpg", reason=str(reason), detail=detail) for n in range(count)]


def report(samples, clips=()):
    index = Index(fps=25, rate=16_000, height=128, width=96, shards=[], samples=list(samples))
    return Report(index=index, dropped=list(clips))


def rows(made):
    """The table as text, row by row."""
    console = Console(width=200, file=StringIO())
    console.print(made.table())
    return console.file.getvalue()


def test_every_reason_that_was_looked_for_has_a_count():
    clips = dropped(DropReason.SILENCE, 2) + dropped(DropReason.CUT) + dropped(DropReason.DUPLICATE, detail="is a_b")
    summary = report([sample(0, offset="in time")], clips).summary()
    counts = summary["dropped_by_reason"]
    assert set(counts) == {str(reason) for reason in DropReason} - {"crashed the process"}
    assert (counts["silence"], counts["cut"], counts["duplicate"], counts["no face"]) == (2, 1, 1, 0)
    assert sum(counts.values()) == summary["dropped"] == 4


def test_what_was_not_looked_for_has_none():
    counts = report([sample(0, voiced=-1.0)]).summary()["dropped_by_reason"]
    assert not {"silence", "off-screen voice", "offset not constant"} & set(counts)
    assert report([sample(0, voiced=-1.0)]).summary()["offsets"] == {}


def test_kept_by_corpus_speaker_and_emotion():
    samples = [
        sample(0, corpus="crema-d", emotion="anger"),
        sample(1, corpus="crema-d", emotion="anger", split="test"),
        sample(2, corpus="grid", speaker="s2"),
    ]
    summary = report(samples).summary()
    assert summary["kept_by_corpus"] == {"crema-d": {"test": 1, "train": 1}, "grid": {"train": 1}}
    assert summary["kept_by_speaker"] == {"s1": {"test": 1, "train": 1}, "s2": {"train": 1}}
    assert summary["kept_by_emotion"] == {"anger": {"test": 1, "train": 1}}
    text = rows(report(samples))
    assert "kept: crema-d" in text
    assert "kept: anger" in text
    assert "1 test, 1 train" in text


def test_what_became_of_the_sound():
    moved = [sample(n, offset=OffsetState.CORRECTED, offset_s=value) for n, value in enumerate((-0.12, 0.08, 0.2))]
    states = [sample(9, offset=OffsetState.UNSURE), sample(10, offset=OffsetState.IN_TIME), sample(11)]
    made = report(moved + states)
    assert made.summary()["offsets"] == {
        "in time": 1,
        "corrected": 3,
        "unsure": 1,
        "corrected_s": {"least": -0.12, "median": 0.08, "most": 0.2},
    }
    text = rows(made)
    assert "sound: unsure" in text
    assert "by -0.12 to +0.20 s" in text


@pytest.mark.parametrize("people", [3, 1000])
def test_the_table_stays_readable(people):
    samples = [sample(n, speaker=f"p{n % people}", emotion=f"e{n % 3}") for n in range(2 * people + 1)]
    clips = dropped(DropReason.NO_FACE, 50, "in all") + dropped(DropReason.OFF_SCREEN, 2)
    table = report(samples, clips).table()
    assert table.row_count <= 2 * ROWS_SHOWN
    text = rows(report(samples, clips))
    assert "dropped: no face" in text
    assert "no face2 (in all) ..." in text
    if people == 1000:
        assert "kept: 1000 speakers" in text
        assert "2001 train; 2 to 3 each" in text
    else:
        assert "kept: p0" in text


def test_the_file_holds_all_names(tmp_path):
    made = report([sample(n, speaker=f"p{n}") for n in range(40)], dropped(DropReason.NO_FACE, 30))
    made.save(tmp_path)
    saved = json.loads((tmp_path / REPORT_NAME).read_text())
    assert len(saved["kept_by_speaker"]) == 40
    assert len(saved["dropped_clips"]) == 30
