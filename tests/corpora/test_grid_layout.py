import itertools

import pytest

from orate.corpora.clip import Word
from orate.corpora.grid import GRID_SPLIT, SENTENCE, decode_name, find_clips, read_alignment
from orate.corpora.splits import SplitRule
from orate.errors import OrateError


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def found(source, *args, **kwargs):
    return {clip.key: clip for clip in find_clips(source, *args, **kwargs)}


def test_names_code_sentences():
    assert decode_name("bbaf2n") == "bin blue at f two now"
    assert decode_name("swwzzs") == "set white with z zero soon"
    assert decode_name("lgiq9p") == "lay green in q nine please"
    assert decode_name("prbw1a") is None  # GRID has no letter w
    assert decode_name("bbaf2") is None
    assert decode_name("hello!") is None
    every = {decode_name("".join(letters)) for letters in itertools.product(*SENTENCE)}
    assert len(every) == 4 * 4 * 4 * 25 * 10 * 4
    assert None not in every


def test_alignment_is_in_25000ths_of_a_second(tmp_path):
    path = tmp_path / "a.align"
    path.write_text("0 23750 sil\n23750 29500 bin\n29500 30000 sp\n30000 34000 BLUE\n\n34000 74500 sil\n")
    assert read_alignment(path) == (Word(0.95, 1.18, "bin"), Word(1.2, 1.36, "blue"))


@pytest.mark.parametrize("text", ["0 100\n", "0 100 bin now\n", "0 1.5 bin\n", "start end word\n"])
def test_damaged_alignment_names_file_and_line(tmp_path, text):
    path = tmp_path / "a.align"
    path.write_text("0 10 sil\n" + text)
    with pytest.raises(OrateError, match=r"Line 2 of .*a\.align"):
        read_alignment(path)


def test_layouts_of_videos(tmp_path):
    touch(tmp_path / "s1", "bbaf2n.mpg", "bbaf2n.mp4", "bbaf3s.mp4", "notes.txt", ".bbaf4p.mpg")
    touch(tmp_path / "s2" / "video", "bbaf2n.mpg")
    touch(tmp_path / "original", "bbaf2n.mpg")
    touch(tmp_path, "s7_pwij3p.mpg", "sbwe5n.mpg")
    clips = found(tmp_path)
    loose = tmp_path.name
    assert set(clips) == {"s1_bbaf2n", "s1_bbaf3s", "s2_bbaf2n", "s7_pwij3p", f"{loose}_sbwe5n"}
    assert clips["s1_bbaf2n"].video.suffix == ".mpg"  # the original rather than its conversion
    assert clips["s7_pwij3p"].transcript == "place white in j three please"
    assert set(found(tmp_path, ["original", "s2"])) == {"original_bbaf2n", "s2_bbaf2n"}
    assert set(found(tmp_path, ["s7"])) == {"s7_pwij3p"}
    assert set(found(tmp_path / "s1")) == {"s1_bbaf2n", "s1_bbaf3s"}


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(OrateError, match="not a folder"):
        find_clips(tmp_path / "none")
    with pytest.raises(OrateError, match="No video of GRID"):
        find_clips(tmp_path)
    touch(tmp_path / "s1", "bbaf2n.mpg")
    with pytest.raises(OrateError, match="no clips of s3"):
        find_clips(tmp_path, ["s1", "s3"])


def test_flat_alignments_go_only_to_the_speaker_they_cover(tmp_path):
    touch(tmp_path / "s1", "bbaf2n.mpg")
    touch(tmp_path / "s4", "bbaf2n.mpg", "bgbu2a.mpg", "lbaq2s.mpg")
    touch(tmp_path / "align")
    (tmp_path / "align" / "bbaf2n.align").write_text(
        "0 10 bin\n10 20 blue\n20 30 at\n30 40 f\n40 50 two\n50 60 now\n60 70 sil\n"
    )
    clips = found(tmp_path)
    assert [word.text for word in clips["s1_bbaf2n"].words] == ["bin", "blue", "at", "f", "two", "now"]
    assert clips["s4_bbaf2n"].words == ()
    touch(tmp_path / "s4" / "align")
    (tmp_path / "s4" / "align" / "bgbu2a.align").write_text("0 10 some\n10 20 thing\n20 30 else\n")
    assert found(tmp_path)["s4_bgbu2a"].words == ()  # not the sentence that the name codes


@pytest.mark.parametrize("place", ["audio_50kHz/s1", "s1"])
def test_separate_recordings(tmp_path, place):
    touch(tmp_path / "s1", "bbaf2n.mpg")
    touch(tmp_path / place, "bbaf2n.wav")
    assert found(tmp_path)["s1_bbaf2n"].audio == tmp_path / place / "bbaf2n.wav"


def test_split_is_by_sorted_name_and_ignores_the_limit(tmp_path):
    names = sorted("".join(name) for name in itertools.islice(itertools.product(*SENTENCE), 45))
    touch(tmp_path / "s1", *(f"{name}.mpg" for name in names))
    touch(tmp_path / "s4", *(f"{name}.mpg" for name in names))
    touch(tmp_path / "unseen", "sbwe5n.mpg", "s2_pwij3p.mpg")
    held_out = [key for key, clip in found(tmp_path).items() if clip.split == "validation"]
    assert held_out == [f"s1_{name}" for name in names[::20]] + [f"s4_{name}" for name in names[::8]]
    limited = found(tmp_path, None, GRID_SPLIT, 21)
    assert sum(clip.speaker == "s1" for clip in limited.values()) == 21
    assert limited[f"s1_{names[20]}"].split == "validation"
    unseen = found(tmp_path, ["unseen"])
    assert {(clip.speaker, clip.split, clip.unseen_speaker) for clip in unseen.values()} == {
        ("unseen", "validation", True),
        ("s2", "validation", True),
    }


def test_split_rule_parameters():
    names = [f"{k:02d}" for k in range(10)]
    every_third = SplitRule(every=3, every_of={"b": 0}, validation_speakers=frozenset({"c"}))
    assert [n for n, split in every_third.split("a", names[::-1]).items() if split == "validation"] == names[::3]
    assert set(every_third.split("b", names).values()) == {"train"}
    assert set(every_third.split("c", names).values()) == {"validation"}
