import pytest

from orate.corpora.crema_d import SENTENCES, find_clips
from orate.corpora.splits import HashSplit, SpeakerSplit
from orate.errors import OrateError

NAMES = ("1001_DFA_ANG_XX", "1001_IEO_HAP_HI", "1038_WSI_NEU_XX", "1040_ITH_SAD_X", "1081_IEO_DIS_MD")


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.fixture
def corpus(tmp_path):
    source = tmp_path / "CREMA-D"
    touch(source / "VideoFlash", *(f"{name}.flv" for name in NAMES), "._1001_DFA_ANG_XX.flv", "1001_DFA_FUN_XX.flv")
    touch(source / "AudioWAV", "1001_DFA_ANG_XX.wav")
    touch(source / "AudioMP3", *(f"{name}.mp3" for name in NAMES))
    (source / "VideoDemographics.csv").write_text('"ActorID","Age","Sex"\n1001,51,"Male"\n')
    return source


def test_names_tell_who_what_and_how(corpus):
    found = find_clips(corpus)
    clips = {clip.key: clip for clip in found.clips}
    assert tuple(clips) == NAMES
    told = [(clip.speaker, clip.transcript, clip.emotion, clip.emotion_level) for clip in found.clips]
    assert told == [
        ("1001", "don't forget a jacket", "anger", ""),
        ("1001", "it's eleven o'clock", "happiness", "high"),
        ("1038", "we'll stop in a couple of minutes", "neutral", ""),
        ("1040", "i think i have a doctor's appointment", "sadness", ""),
        ("1081", "it's eleven o'clock", "disgust", "medium"),
    ]
    assert len(SENTENCES) == 12
    assert [path.name for path in found.misnamed] == ["1001_DFA_FUN_XX.flv"]
    assert clips["1001_DFA_ANG_XX"].details == (("age", "51"), ("sex", "Male"))
    assert {clip.corpus for clip in found.clips} == {"crema-d"}


def test_separate_sound_the_better_first(corpus):
    sounds = [clip.audio for clip in find_clips(corpus).clips]
    assert [sound.parent.name for sound in sounds] == ["AudioWAV", *["AudioMP3"] * 4]


def test_split_is_by_actor(corpus):
    clips = find_clips(corpus).clips
    assert {clip.speaker: (clip.split, clip.unseen_speaker) for clip in clips} == {
        "1001": ("train", False),
        "1038": ("validation", True),
        "1040": ("validation", True),
        "1081": ("test", True),
    }
    others = HashSplit(validation=0, test=0)
    own = {clip.speaker: clip.split for clip in find_clips(corpus, rule=SpeakerSplit({"1001": "test"}, others)).clips}
    assert own == {"1001": "test", "1038": "train", "1040": "train", "1081": "train"}


def test_where_the_videos_may_be(corpus):
    assert len(find_clips(corpus / "VideoFlash").clips) == len(NAMES)
    assert len(find_clips(corpus.parent).clips) == len(NAMES)
    assert find_clips(corpus / "VideoFlash").clips[0].audio is not None
    touch(corpus / "VideoFlash", "1001_DFA_ANG_XX.mp4")
    assert find_clips(corpus).clips[0].video.suffix == ".flv"  # the original rather than its conversion


def test_some_actors_only(corpus):
    assert [clip.key for clip in find_clips(corpus, ["1001", "1081"], limit=1).clips] == [NAMES[0], NAMES[4]]
    with pytest.raises(OrateError, match="no clips of 1077"):
        find_clips(corpus, ["1077"])


def test_actors_that_the_corpus_does_not_have(corpus):
    touch(corpus / "VideoFlash", "2001_DFA_ANG_XX.flv")
    assert "2001_DFA_ANG_XX.flv" in [path.name for path in find_clips(corpus).misnamed]
    with (corpus / "VideoDemographics.csv").open("a") as table:
        table.write("2001,30,Female\n")
    assert "2001" in {clip.speaker for clip in find_clips(corpus).clips}


def test_videos_that_were_not_downloaded(corpus):
    (corpus / "VideoFlash" / "1001_DFA_ANG_XX.flv").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:1"
    )
    with pytest.raises(OrateError, match="git lfs pull"):
        find_clips(corpus)


def test_another_folder_is_told_what_was_expected(tmp_path):
    touch(tmp_path / "ABOUT" / "train", "ABOUT_00001.mp4")
    with pytest.raises(OrateError, match=r"no clip of CREMA-D, VideoFlash/1001_DFA_ANG_XX\.flv"):
        find_clips(tmp_path)
    with pytest.raises(OrateError, match="is not a folder"):
        find_clips(tmp_path / "none")
