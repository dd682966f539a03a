import pytest

from orate.corpora.clip import Word
from orate.corpora.tcd_timit import find_clips, read_labels, read_transcript
from orate.errors import OrateError

LABELS = """#!MLF!#
"*/TCDTIMIT/volunteers/01M/Clips/straightcam/sa1.rec"
0 10300000 sil
10300000 11800000 SH
mended by hand
11800000 12300000 iy
.
"*/TCDTIMIT/volunteers/01M/Clips/30degcam/sa1.rec"
0 10 aa
.
"*/TCDTIMIT/lipspeakers/Lipspkr2/Clips/straightcam/SX9.mp4"
0 5000000 b
.
"""


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.fixture
def corpus(tmp_path):
    source = tmp_path / "TCDTIMIT"
    touch(source / "volunteers" / "01M" / "Clips" / "straightcam", "sa1.mp4", "SI500.mp4", "sa1.WAV", "._sa1.mp4")
    touch(source / "volunteers" / "01M" / "Clips" / "30degcam", "sa1.mp4", "sa2.mp4")
    touch(source / "volunteers" / "28M" / "28M" / "Clips" / "straightcam" / "straightcam", "sa1.mp4")
    touch(source / "volunteers" / "41M" / "straightcam", "sa1.mp4", "room.mp4")
    touch(source / "lipspeakers" / "Lipspkr2" / "Clips" / "straightcam", "sx9.mp4")
    return source


def keys(found):
    return [clip.key for clip in found.clips]


def test_front_clips_at_any_depth(corpus):
    found = find_clips(corpus)
    assert keys(found) == ["01M_sa1", "01M_si500", "28M_sa1", "41M_sa1", "Lipspkr2_sx9"]
    assert [path.name for path in found.misnamed] == ["room.mp4"]
    first = found.clips[0]
    assert (first.speaker, first.sentence_id, first.corpus) == ("01M", "sa1", "tcd-timit")
    assert first.video.parent.name == "straightcam"
    assert first.audio is not None
    assert first.audio.name == "sa1.WAV"
    assert found.clips[1].audio is None


def test_split_is_by_speaker(corpus):
    clips = find_clips(corpus).clips
    assert {clip.speaker: (clip.split, clip.unseen_speaker) for clip in clips} == {
        "01M": ("train", False),
        "28M": ("validation", True),
        "41M": ("test", True),
        "Lipspkr2": ("train", False),
    }


@pytest.mark.parametrize("part", ["volunteers", "volunteers/01M", "volunteers/01M/Clips/straightcam"])
def test_a_folder_of_the_corpus_will_do(corpus, part):
    assert keys(find_clips(corpus / part))[:2] == ["01M_sa1", "01M_si500"]


def test_some_speakers_only(corpus):
    assert keys(find_clips(corpus, ["01M"], limit=1)) == ["01M_sa1"]
    assert "Lipspkr2" not in {clip.speaker for clip in find_clips(corpus, lipspeakers=False).clips}
    with pytest.raises(OrateError, match="no clips of 02M"):
        find_clips(corpus, ["01M", "02M"])


def test_linked_folders_are_read_once(corpus):
    (corpus / "more").symlink_to(corpus / "volunteers")
    (corpus / "volunteers" / "loop").symlink_to(corpus)
    assert len(find_clips(corpus).clips) == 5


def test_transcripts(tmp_path):
    path = tmp_path / "sa1.txt"
    for text in (
        "0 46797 She had your suit.\n",
        "She had\nyour suit.",
        "0 9 sil\n9 20 She\n20 30 had\n30 40 your suit.\n",
    ):
        path.write_text(text)
        assert read_transcript(path) == "She had your suit."


def test_phones_of_the_front_camera(tmp_path, corpus):
    path = tmp_path / "labels.mlf"
    path.write_text(LABELS)
    assert read_labels(path) == {
        ("01M", "sa1"): (Word(1.03, 1.18, "sh"), Word(1.18, 1.23, "iy")),
        ("Lipspkr2", "sx9"): (Word(0.0, 0.5, "b"),),
    }
    (corpus / "volunteer_labelfiles.mlf").write_text(LABELS)
    assert [phone.text for phone in find_clips(corpus).clips[0].phones] == ["sh", "iy"]
    below = corpus / "volunteers" / "01M" / "Clips"
    assert [phone.text for phone in find_clips(below).clips[0].phones] == ["sh", "iy"]


def test_another_folder_is_told_what_was_expected(tmp_path):
    touch(tmp_path / "VideoFlash", "1001_DFA_ANG_XX.flv")
    with pytest.raises(OrateError, match=r"no clip of TCD-TIMIT, volunteers/01M/Clips/straightcam/sa1.mp4"):
        find_clips(tmp_path)
    touch(tmp_path / "volunteers", "01M.zip")
    with pytest.raises(OrateError, match=r"unpack the \.zip files"):
        find_clips(tmp_path)
    with pytest.raises(OrateError, match="is not a folder"):
        find_clips(tmp_path / "none")
