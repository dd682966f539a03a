"""What the lip reader learns from: mouths of GRID, varied, their sentences, and the times of words where known.

CTC alone begins with a long plateau. So at first the corpus' alignments teach too: each frame's word, by a head that is
not part of the reader, and each letter at its likely moment, as if a word's letters took equal time. Their weight falls
to zero, and CTC decides. Clips without alignments count for CTC only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from orate.errors import OrateError
from orate.evaluation.grid_grammar import (
    BLANK,
    CHARACTERS,
    VOCABULARY,
    encode,
    greedy_text,
    is_sentence,
    likely_sentence,
)
from orate.evaluation.lip_reader import LipReaderConfig, LipReaderNet, save_lip_reader
from orate.evaluation.mouth_clips import MouthClips, SpeakerOrder
from orate.evaluation.mouth_crops import network_input, varied_input
from orate.evaluation.wer import word_error_rate
from orate.training.supervised_config import SupervisedRun

LIP_RECIPE = Path(__file__).parent / "lip-reader.yaml"
UNKNOWN = -100  # target of frames whose word is not known; `cross_entropy` leaves it out
TEMPO, WOBBLE = 0.08, 1.0  # deviations of the logarithm of the tempo, and of a slow shift in frames
BLANK_WEIGHT = 0.2  # of a step without a letter: there are many more of them
HIDDEN_FRAMES = 8  # longest stretch of frames that is hidden


class LipRecipe(BaseModel):
    """A training of the lip reader.

    Attributes:
        kind: tells recipes apart.
        model: dimensions.
        clip_frames: frames of a clip; longer ones are cut, shorter ones padded with their last frame.
        vary: strength of the changes of place, size and light, see `varied_input`; 0 also leaves tempo and frames.
        hide: stretches of frames hidden in a clip.
        words: weight of the words of single frames at the beginning.
        letters: weight of the letters of single steps at the beginning.
        aligned_until: part of the run at which both weights reach zero.
        evenness: of the draw of speakers, see `SpeakerOrder`.
        run: steps and their size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lip-reader"] = "lip-reader"
    model: LipReaderConfig = LipReaderConfig()
    clip_frames: int = Field(75, ge=5)
    vary: float = Field(1.0, ge=0)
    hide: int = Field(1, ge=0)
    words: float = Field(1.0, ge=0)
    letters: float = Field(1.0, ge=0)
    aligned_until: float = Field(0.6, gt=0, le=1)
    evenness: float = Field(0.25, ge=0, le=1)
    run: SupervisedRun = SupervisedRun()


class TaughtLipReader(nn.Module):
    """The reader, and the head that names each frame's word while it learns."""

    def __init__(self, config: LipReaderConfig) -> None:
        super().__init__()
        self.reader = LipReaderNet(config)
        self.words = nn.Linear(2 * config.hidden, 1 + len(VOCABULARY))  # the first is silence

    def forward(self, mouths: Tensor) -> tuple[Tensor, Tensor]:
        """Characters as `LipReaderNet` gives them, and (batch, time, 52) scores of words."""
        states = self.reader.states(mouths)
        return self.reader.read_states(states), self.words(states).float()


class LipTask:
    """A `SupervisedTask`.

    Args:
        recipe: the recipe.
        clips: to learn from.
        held_out: to validate on.

    Raises:
        OrateError: no clip with a sentence of GRID among those to learn from.
    """

    def __init__(self, recipe: LipRecipe, clips: MouthClips, held_out: MouthClips) -> None:
        self._recipe, self._clips, self._held_out = recipe, clips, held_out
        self._known = [index for index, text in enumerate(clips.transcripts) if is_sentence(text)]
        if not self._known:
            raise OrateError("No clip has a sentence of GRID: the lip reader learns from that corpus only.")
        self._order = SpeakerOrder([clips.speakers[index] for index in self._known], recipe.evenness)
        torch.manual_seed(recipe.run.seed)
        self.net: nn.Module = TaughtLipReader(recipe.model)

    def losses(self, step: int, random: torch.Generator, device: torch.device) -> dict[str, Tensor]:
        """CTC of the sentences and cross-entropy of the frames' words, of one batch."""
        recipe = self._recipe
        chosen = [self._known[place] for place in self._order.draw(recipe.run.batch_size, random)]
        frames = [self._frames(index, random) for index in chosen]
        regions = torch.stack(
            [self._clips.padded_region(i, recipe.clip_frames)[f] for i, f in zip(chosen, frames, strict=True)]
        )
        mouths = self._hidden(varied_input(regions, recipe.vary, random), random).to(device)
        characters, words = self.net(mouths)
        ctc = sentence_loss(characters, [self._clips.transcripts[index] for index in chosen])
        share = max(0.0, 1 - step / (recipe.aligned_until * recipe.run.steps))
        targets = torch.stack([self._words(i, f) for i, f in zip(chosen, frames, strict=True)]).to(device)
        if not share or bool((targets == UNKNOWN).all()):
            return {"loss": ctc, "ctc": ctc}
        named = F.cross_entropy(words.flatten(0, 1), targets.flatten(), ignore_index=UNKNOWN)
        steps = torch.stack([self._letters(i, f) for i, f in zip(chosen, frames, strict=True)]).to(device)
        weight = torch.ones(len(CHARACTERS), device=device)
        weight[BLANK] = BLANK_WEIGHT
        spelt = F.nll_loss(characters.flatten(0, 1), steps.flatten(), weight, ignore_index=UNKNOWN)
        loss = ctc + share * (recipe.words * named + recipe.letters * spelt)
        return {"loss": loss, "ctc": ctc, "words": named, "letters": spelt}

    @torch.inference_mode()
    def validate(self, net: nn.Module, device: torch.device) -> dict[str, float]:
        """Word error rates of held-out sentences by speaker, with the grammar and greedy."""
        if not isinstance(net, TaughtLipReader):
            raise TypeError("not a lip reader in training")
        figures = {}
        for group, members in self._held_out.groups():
            known = [index for index in members if is_sentence(self._held_out.transcripts[index])]
            outputs = []
            for index in known:
                region = torch.from_numpy(self._held_out.region(index).copy())[None]
                outputs.append(net.reader(network_input(region).to(device))[0].cpu().numpy())
            truth = [self._held_out.transcripts[index] for index in known]
            figures[f"wer/{group}"] = word_error_rate(truth, [likely_sentence(output) for output in outputs])
            figures[f"greedy/{group}"] = word_error_rate(truth, [greedy_text(output) for output in outputs])
        return figures

    def write(self, net: nn.Module, folder: Path, metadata: dict[str, object]) -> None:
        """Write the reader without the head."""
        if not isinstance(net, TaughtLipReader):
            raise TypeError("not a lip reader in training")
        save_lip_reader(net.reader, folder, metadata)

    def _frames(self, index: int, random: torch.Generator) -> Tensor:
        """Which frame is seen at each moment: the clip a little faster or slower, its tempo wavering."""
        count = self._recipe.clip_frames
        if not self._recipe.vary:
            return torch.arange(count)
        tempo, phase, length = torch.rand(3, generator=random)
        strength = torch.randn(2, generator=random).clamp(-2, 2)
        time = torch.arange(count) - count / 2
        waves = WOBBLE * strength[1] * torch.sin(2 * torch.pi * (time / (15 + 30 * length) + phase))
        slower = (TEMPO * strength[0]).exp()
        seen: Tensor = time * slower + waves + 4 * (tempo - 0.5) + count / 2
        return seen.round().clamp(0, count - 1).long()

    def _hidden(self, mouths: Tensor, random: torch.Generator) -> Tensor:
        """Stretches of frames replaced by the mean, so that words are told from their surroundings too."""
        if not self._recipe.vary:
            return mouths
        for clip in mouths:
            for _ in range(self._recipe.hide):
                length = int(torch.randint(HIDDEN_FRAMES + 1, (), generator=random))
                first = int(torch.randint(max(clip.shape[1] - length, 1), (), generator=random))
                clip[:, first : first + length] = 0
        return mouths

    def _words(self, index: int, frames: Tensor) -> Tensor:
        """(time,) number of the word in each frame, 0 for silence; all unknown where the clip has no alignment."""
        if not self._clips.words[index]:
            return torch.full((len(frames),), UNKNOWN)
        time_s = (frames.numpy() + 0.5) / self._clips.fps
        numbers = np.zeros(len(frames), np.int64)
        for word in self._clips.words[index]:
            numbers[(time_s >= word.start_s) & (time_s < word.end_s)] = 1 + VOCABULARY.index(word.text)
        return torch.from_numpy(numbers)

    def _letters(self, index: int, frames: Tensor) -> Tensor:
        """(steps,) of the characters, each at one step, blanks between; all unknown without an alignment."""
        per_frame = self._recipe.model.steps_per_frame
        steps = len(frames) * per_frame
        words = self._clips.words[index]
        if not words:
            return torch.full((steps,), UNKNOWN)
        # When each step was in the clip as recorded, whatever the tempo it is shown at.
        moments = np.interp(np.arange(steps) / per_frame, np.arange(len(frames)), frames.numpy() + 0.5)
        numbers = np.full(steps, BLANK)
        first = 0
        for word in words:
            spelling = encode(word.text if word is words[-1] else f"{word.text} ")
            length = (word.end_s - word.start_s) / len(spelling)
            for place, number in enumerate(spelling):
                time_s = word.start_s + (place + 0.5) * length
                step = max(first, int(np.searchsorted(moments, time_s * self._clips.fps)))
                if step >= steps:
                    break
                numbers[step] = number
                first = step + 1 + (spelling[place + 1 : place + 2] == [number])  # double letters: a blank between
        return torch.from_numpy(numbers)


def sentence_loss(characters: Tensor, sentences: list[str]) -> Tensor:
    """CTC loss for each character (Graves et al., 2006): (batch, steps, 28) log-probabilities and their sentences."""
    targets = [torch.tensor(encode(sentence)) for sentence in sentences]
    lengths = torch.tensor([len(target) for target in targets])
    steps = torch.full((len(targets),), characters.shape[1])
    return F.ctc_loss(
        characters.transpose(0, 1).float(), torch.cat(targets).to(characters.device), steps, lengths, BLANK
    )
