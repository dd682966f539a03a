from collections import Counter

import pytest

from orate.corpora.grid import find_clips, paper_split
from orate.corpora.splits import SPLIT_DATA, HashSplit, SpeakerSplit, published_split, read_split
from orate.errors import OrateError

SIZES = {  # speakers of the paper's parts, as its numbers of clips tell
    "grid": {"train": 16, "validation": 7, "test": 10},
    "tcd-timit": {"train": 42 + 3, "validation": 7, "test": 10},
    "crema-d": {"train": 71, "validation": 10, "test": 10},
}


@pytest.mark.parametrize("corpus", SIZES)
def test_published_splits_have_the_papers_sizes(corpus):
    split = published_split(corpus)
    assert Counter(split.table.values()) == SIZES[corpus]
    held_out = next(speaker for speaker, part in split.table.items() if part == "test")
    assert split.is_unseen(held_out)
    assert split.split(held_out, ["a", "b"]) == {"a": "test", "b": "test"}


@pytest.mark.parametrize("path", sorted(SPLIT_DATA.iterdir()), ids=lambda path: path.stem)
def test_split_files_say_where_they_come_from(path):
    remarks = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert len(remarks) >= 4
    assert "IJCV 2020" in " ".join(remarks)


def test_grid_by_speakers(tmp_path):
    for name in ("s1/bbaf2n", "s9/bbaf2n", "unseen/s2_bbaf2n", "unseen/s1_bbaf3s", "unseen/bbaf4p"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.mpg").write_bytes(b"")
    clips = find_clips(tmp_path, ["s1", "s9", "unseen"], paper_split())
    assert {clip.key: (clip.split, clip.unseen_speaker) for clip in clips} == {
        "s1_bbaf2n": ("validation", True),  # one of its clips lies among those that nothing may be learned from
        "s1_bbaf3s": ("validation", True),
        "s2_bbaf2n": ("test", True),
        "s9_bbaf2n": ("validation", True),
        "unseen_bbaf4p": ("validation", True),
    }
    assert {clip.split for clip in find_clips(tmp_path, ["s1"], paper_split())} == {"train"}
    assert {clip.split for clip in find_clips(tmp_path, ["s9"])} == {"validation"}  # by sentence: its first
    assert {clip.corpus for clip in clips} == {"grid"}


def test_own_split_files(tmp_path):
    path = tmp_path / "split.csv"
    path.write_text("# mine\nspeaker,split\na,train\nb,VAL\nc,test\n")
    split = read_split(path)
    assert [split.split(speaker, ["x"])["x"] for speaker in "abc"] == ["train", "validation", "test"]
    assert [split.is_unseen(speaker) for speaker in "abcd"] == [False, True, True, False]
    with pytest.raises(OrateError, match=r"split\.csv does not say the split of speaker d"):
        split.split("d", ["x"])
    assert read_split(path, HashSplit(validation=1, test=0)).split("d", ["x"]) == {"x": "validation"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a first line 'speaker,split'"),
        ("who,part\na,train\n", "needs a first line 'speaker,split'"),
        ("speaker,split\na,learn\n", "has the line 'a,learn'"),
        ("speaker,split\n,train\n", "has the line ',train'"),
        ("speaker,split\na\n", "has the line 'a,"),
        ("speaker,split\na,train\na,test\n", "puts speaker a in two parts"),
    ],
)
def test_wrong_split_files_are_told(tmp_path, text, message):
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(OrateError, match=message):
        read_split(path)
    with pytest.raises(OrateError, match="Cannot read the split"):
        read_split(tmp_path / "none.csv")


def test_hash_puts_about_as_many_as_asked():
    parts = Counter(HashSplit(validation=0.2, test=0.1).split(f"p{k}", ["x"])["x"] for k in range(2000))
    assert 320 < parts["validation"] < 480
    assert 140 < parts["test"] < 260
    assert HashSplit().is_unseen("p7") == (HashSplit().split("p7", ["x"])["x"] != "train")
    assert SpeakerSplit({}, HashSplit(1, 0)).is_unseen("anyone")
