"""The whole of it learns: after 120 steps on one clip, the last 20 under all critics, its mouth follows the sound."""

import numpy as np
import pytest
from synthetic_corpus import HEIGHT, MOUTH_COLUMNS, MOUTH_ROWS, RATE, speaking_clip, write_corpus

from orate.corpora.dataset import ClipDataset
from orate.evaluation.l1 import l1
from orate.evaluation.mouth_opening import correlation
from orate.training.config import AugmentConfig
from orate.training.validation import draw_clips

FRAMES = 16
STEPS = 120
RECIPE = (
    *("model.base_channels=8", "model.audio_channels=4", "model.audio_code=16", "model.content_code=16"),
    *("data.batch_size=1", f"data.clip_frames={FRAMES}", "data.draw_frames=null", "data.mirror=false"),
    *(f"augment.{name}=0" for name in AugmentConfig.model_fields),
    *("losses.l1=600", "losses.l1_upper=0.5", "losses.l1_mouth=1", "losses.lips=0.5", "losses.pixels_from=0"),
    *("losses.frame=1", "losses.sync=0.8", "losses.sequence=0.2", "losses.adversarial_from=100"),
    *("optimiser.generator_lr=0.005", "optimiser.picture_lr=null", "optimiser.decay_from_epoch=1000"),
    *("optimiser.ema=0.9", f"run.steps={STEPS}"),
)


def drawn(trainer, clip):
    """The training clip as the averaged generator draws it, and as it is."""
    made = next(iter(draw_clips(trainer.gan.average.generator, clip, 1)))
    return made.generated, made.real


def mouth(video):
    """Brightness of the mouth in each frame."""
    return video[:, MOUTH_ROWS, MOUTH_COLUMNS].mean((1, 2, 3))


@pytest.fixture(scope="module")
def learnt(shrunk, make_trainer, tmp_path_factory):
    """The clip as drawn before and after, and as it is."""
    folder = tmp_path_factory.mktemp("overfit")
    data = write_corpus(folder / "shards", [speaking_clip("s1_only", 3, count=FRAMES)])
    clip = ClipDataset(data, "train", RATE)
    trainer = make_trainer(shrunk("paper-small", *RECIPE), folder / "run", data=data)
    before, real = drawn(trainer, clip)
    trainer.fit()
    after, _ = drawn(trainer, clip)
    return before, after, real


def test_the_picture_is_learnt(learnt):
    """Better than the source image repeated, which is what copying through the skips can reach."""
    lower = slice(HEIGHT // 2, None)
    before, after, real = (video[:, lower] for video in learnt)
    still = np.broadcast_to(real[:1], real.shape)
    assert l1(real, after) < 0.25 * l1(real, before)
    assert l1(real, after) < 0.75 * l1(real, still)


def test_the_mouth_follows_the_sound(learnt):
    before, after, real = map(mouth, learnt)
    assert correlation(real, after) > 0.8
    assert before.std() < 0.1 * real.std()
    assert after.std() > 0.4 * real.std()
