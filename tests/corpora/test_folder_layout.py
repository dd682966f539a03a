import json

import numpy as np
import pytest
from corpus_media import write

from orate.corpora import folder
from orate.corpora.clip import Word
from orate.corpora.folder import find_clips, piece_times
from orate.corpora.sidecars import Transcript, UnreadableError, read_transcript
from orate.corpora.splits import HashSplit
from orate.errors import OrateError


@pytest.fixture
def lengths(monkeypatch):
    """What recordings last, by name: then they need not be videos."""
    told = {}
    monkeypatch.setattr(folder, "_duration_s", lambda video: told.get(video.name, 5.0))
    return told


def touch(place, *names):
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        (place / name).write_bytes(b"")


def test_speakers_are_folders_or_files(tmp_path, lengths):
    touch(tmp_path, "zoe.mp4", ".zoe.mp4", "notes.txt", "README.md")
    touch(tmp_path / "anna" / "2023", "a b.MOV", "a b.wav", "._a b.MOV")
    touch(tmp_path / "__MACOSX" / "anna", "x.mp4")
    touch(tmp_path / ".trash", "y.mp4")
    clips = find_clips(tmp_path).clips
    assert [(clip.speaker, clip.sentence_id) for clip in clips] == [("anna", "a b"), ("zoe", "zoe")]
    assert clips[0].audio == tmp_path / "anna" / "2023" / "a b.wav"
    assert clips[0].key.startswith("anna_2023_a_b_")
    assert all(part.isalnum() for clip in clips for part in clip.key.replace("-", "_").split("_"))


def test_long_recordings_are_cut_into_equal_pieces(tmp_path, lengths):
    touch(tmp_path / "anna", "long.mp4", "short.mp4")
    lengths["long.mp4"], lengths["short.mp4"] = 25.0, 10.0
    clips = find_clips(tmp_path).clips
    pieces = [clip for clip in clips if clip.sentence_id == "long"]
    assert [(clip.start_s, clip.end_s) for clip in pieces] == [(0.0, 8.333), (8.333, 16.667), (16.667, None)]
    assert [clip.key[-5:] for clip in pieces] == ["_0000", "_0001", "_0002"]
    (short,) = [clip for clip in clips if clip.sentence_id == "short"]
    assert (short.start_s, short.end_s) == (0.0, None)
    assert len({clip.split for clip in clips}) == 1
    assert len(find_clips(tmp_path, piece_s=5).clips) == 5 + 2
    with pytest.raises(OrateError, match="too short"):
        find_clips(tmp_path, piece_s=0.1)


@pytest.mark.parametrize(("duration", "count"), [(0, 1), (10, 1), (10.0004, 1), (10.04, 2), (3600, 360)])
def test_pieces_are_never_longer_than_asked(duration, count):
    times = piece_times(duration, 10)
    assert len(times) == count
    assert times[0][0] == 0
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]
    assert times[-1][1] is None
    assert all(end - start <= 10.001 for start, end in times[:-1])


def test_keys_and_splits_do_not_depend_on_what_else_is_there(tmp_path, lengths):
    for number in range(60):
        touch(tmp_path / f"p{number:02d}", "talk.mp4")
    before = {clip.key: clip.split for clip in find_clips(tmp_path).clips}
    assert set(before.values()) == {"train", "validation", "test"}
    touch(tmp_path / "p00", "more.mp4", "talk.mov")
    touch(tmp_path / "newcomer", "talk.mp4")
    after = {clip.key: clip.split for clip in find_clips(tmp_path).clips}
    assert len(after) == 63
    assert before.items() <= after.items()
    everyone = {clip.split for clip in find_clips(tmp_path, HashSplit(validation=1, test=0)).clips}
    assert everyone == {"validation"}


def test_table_tells_speaker_split_words_and_emotion(tmp_path, lengths):
    touch(tmp_path / "set1", "a.mp4", "b.mp4", "c.mp4")
    (tmp_path / "set1" / "a.txt").write_text("not this")
    (tmp_path / "metadata.csv").write_text(
        "path,speaker,split,transcript,emotion\n"
        'set1/a.mp4,Anna,dev,"well, hello",Sadness\n'
        "./set1/b.mp4,Anna,test,,\n"
        "set1\\c.mp4,Carl,train,,\n"
    )
    a, b, c = find_clips(tmp_path).clips
    assert (a.speaker, a.split, a.unseen_speaker, a.transcript) == ("Anna", "validation", True, "well, hello")
    assert (a.emotion, b.split, b.unseen_speaker, c.unseen_speaker) == ("sadness", "test", True, False)
    (tmp_path / "other.csv").write_text("path,split,speaker\nset1/a.mp4,test,x\nset1/b.mp4,train,x\n")
    a, b, _ = find_clips(tmp_path, metadata=tmp_path / "other.csv").clips
    assert (a.split, a.unseen_speaker, b.split) == ("test", False, "train")  # x is trained on too


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speaker\nAnna\n", "no column path"),
        ("path,mood\na.mp4,x\n", "unknown column mood"),
        ("path\nnone.mp4\n", r"Line 2 of .*metadata\.csv names none\.mp4"),
        ("path\na.mp4\na.mp4\n", "a second time"),
        ("path,split\na.mp4,maybe\n", "the split maybe: use train, validation or test"),
    ],
)
def test_wrong_tables_are_told(tmp_path, lengths, text, message):
    touch(tmp_path, "a.mp4")
    (tmp_path / "metadata.csv").write_text(text)
    with pytest.raises(OrateError, match=message):
        find_clips(tmp_path)


def test_transcripts_go_to_the_pieces_they_are_said_in(tmp_path, lengths):
    touch(tmp_path, "talk.mp4", "note.mp4", "whole.mp4")
    lengths["talk.mp4"] = lengths["note.mp4"] = 20.0
    words = [{"word": " good", "start": 1.0, "end": 1.5}, {"word": " morning", "start": 9.8, "end": 10.6}]
    (tmp_path / "talk.json").write_text(
        json.dumps(
            {
                "text": "Good morning.",
                "segments": [{"start": 1.0, "end": 10.6, "text": " Good morning.", "words": words}],
            }
        )
    )
    (tmp_path / "note.txt").write_text("no times in it")
    (tmp_path / "whole.txt").write_text("all\nof it\n")
    said = {(clip.sentence_id, clip.start_s): clip for clip in find_clips(tmp_path).clips}
    assert said["talk", 0.0].words == (Word(1.0, 1.5, "good"),)
    assert said["talk", 10.0].transcript == "morning"
    assert said["talk", 10.0].words == (Word(0.0, pytest.approx(0.6), "morning"),)
    assert said["note", 0.0].transcript == said["note", 10.0].transcript == ""
    assert said["whole", 0.0].transcript == "all of it"


def test_forms_of_transcripts(tmp_path):
    subtitles = "WEBVTT\n\nNOTE x\n\nintro\n00:01.000 --> 00:02.500 align:start\n<v Anna>Hello\nthere</v>\n"
    (tmp_path / "a.vtt").write_text(subtitles)
    assert read_transcript(tmp_path / "a.vtt") == Transcript("Hello there", (Word(1.0, 2.5, "Hello there"),))
    (tmp_path / "a.srt").write_bytes(
        b"1\r\n01:00:00,5 --> 01:00:01,25\r\nHi\r\n\r\n2\r\n01:00:02,000 --> 01:00:03,000\r\n\r\n"
    )
    assert read_transcript(tmp_path / "a.srt").cues == (Word(3600.5, 3601.25, "Hi"),)
    (tmp_path / "a.json").write_text('{"words": [{"text": "hi", "start_s": 0, "end_s": 1}]}')
    assert read_transcript(tmp_path / "a.json") == Transcript("hi", (), (Word(0.0, 1.0, "hi"),))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b"{"),
        ("a.json", b"[1]"),
        ("a.json", b'{"words": [{"text": "x"}]}'),
        ("a.srt", b"hello"),
        ("a.txt", b"\xff"),
    ],
)
def test_damaged_transcripts_are_named_and_passed_over(tmp_path, lengths, name, data):
    touch(tmp_path, "a.mp4")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableError):
        read_transcript(tmp_path / name)
    found = find_clips(tmp_path)
    assert found.unread == [tmp_path / name]
    assert [clip.transcript for clip in found.clips] == [""]


def test_lengths_are_read_from_the_files(tmp_path):
    frames = np.zeros((50, 64, 64, 3), np.uint8)
    write(tmp_path / "long.mp4", frames)
    write(tmp_path / "long.webm.mkv", frames)
    (tmp_path / "broken.mp4").write_bytes(b"broken")
    (tmp_path / "empty.mp4").write_bytes(b"")
    clips = find_clips(tmp_path, piece_s=1).clips
    assert [clip.end_s for clip in clips if clip.sentence_id == "long"] == [1.0, None]
    assert len(clips) == 2 + 2 + 1 + 1


def test_the_first_transcript_that_says_something(tmp_path, lengths):
    touch(tmp_path, "a.mp4", "a.json")
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    found = find_clips(tmp_path)
    assert [clip.transcript for clip in found.clips] == ["hello"]
    assert found.unread == [tmp_path / "a.json"]
    (tmp_path / "a.json").write_text('{"views": 3}')
    assert find_clips(tmp_path).clips[0].transcript == "hello"


def test_keys_are_short_and_plain(tmp_path, lengths):
    touch(tmp_path / "größe", "日本語 (1).mp4", "日本語 (2).mp4", f"{'long' * 40}.mp4")
    keys = [clip.key for clip in find_clips(tmp_path).clips]
    assert len(set(keys)) == 3
    assert all(key.isascii() and "." not in key and len(key) < 80 for key in keys)


def test_nothing_to_read_is_an_error(tmp_path):
    touch(tmp_path, "song.mp3")
    with pytest.raises(OrateError, match="holds no video"):
        find_clips(tmp_path)
    with pytest.raises(OrateError, match="is not a folder"):
        find_clips(tmp_path / "none")
