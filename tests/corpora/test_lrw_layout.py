import pytest

from orate.corpora.clip import Word
from orate.corpora.lrw import find_clips, word_times
from orate.errors import OrateError

METADATA = """Disk reference: 5535415699068794046
Channel: BBC One
Program start: 2015-11-03 22:25:00 +0000
Clip start: 1442.43 seconds
Duration: 0.36 seconds
"""


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "lrw" / "lipread_mp4"
    for word in ("ABOUT", "BECAUSE"):
        for part in ("train", "val", "test"):
            folder = root / word / part
            folder.mkdir(parents=True)
            for number in (1, 2, 3):
                (folder / f"{word}_{number:05d}.mp4").write_bytes(b"")
                (folder / f"{word}_{number:05d}.txt").write_text(METADATA)
    (root / "ABOUT" / "train" / "ABOUT_1.mp4").write_bytes(b"")
    (root / "ABOUT" / "train" / "BECAUSE_00009.mp4").write_bytes(b"")
    (root / "ABOUT" / "train" / "._ABOUT_00001.mp4").write_bytes(b"")
    (root / "ABOUT" / "val" / "ABOUT_00001.txt").unlink()
    (root / "ABOUT" / "val" / "ABOUT_00002.txt").write_bytes(b"\xff\xfe nothing")
    return root


def test_words_parts_and_times(corpus):
    found = find_clips(corpus)
    clips = {clip.key: clip for clip in found.clips}
    assert len(clips) == 18
    assert [path.name for path in found.misnamed] == ["ABOUT_1.mp4", "BECAUSE_00009.mp4"]
    clip = clips["train_ABOUT_00001"]
    assert (clip.transcript, clip.sentence_id, clip.split, clip.corpus) == ("about", "ABOUT", "train", "lrw")
    assert clip.words == (Word(0.4, 0.76, "about"),)
    assert ("channel", "BBC One") in clip.details
    assert ("program start", "2015-11-03 22:25:00 +0000") in clip.details
    assert clips["val_ABOUT_00001"].words == ()
    assert clips["val_ABOUT_00002"].words == ()
    assert {clip.split for clip in found.clips} == {"train", "validation", "test"}
    assert {(clip.speaker, clip.unseen_speaker) for clip in found.clips} == {("unknown", False)}


@pytest.mark.parametrize("duration", ["", "long", "0 seconds", "1.5 seconds"])
def test_lengths_that_do_not_fit_give_no_times(duration):
    assert word_times("about", duration) == ()


def test_where_the_words_may_be(corpus):
    assert len(find_clips(corpus.parent).clips) == 18
    assert len(find_clips(corpus / "BECAUSE").clips) == 9


def test_limit_is_of_each_word_and_part(corpus):
    keys = [clip.key for clip in find_clips(corpus, limit=1).clips]
    assert keys == [f"{part}_{word}_00001" for part in ("test", "train", "val") for word in ("ABOUT", "BECAUSE")]


def test_another_folder_is_told_what_was_expected(tmp_path):
    (tmp_path / "VideoFlash").mkdir()
    (tmp_path / "VideoFlash" / "1001_DFA_ANG_XX.flv").write_bytes(b"")
    with pytest.raises(OrateError, match=r"no clip of LRW, ABOUT/train/ABOUT_00001\.mp4 or the like: give"):
        find_clips(tmp_path)
    with pytest.raises(OrateError, match="is not a folder"):
        find_clips(tmp_path / "none")
