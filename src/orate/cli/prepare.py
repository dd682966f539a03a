"""``orate prepare``: a corpus to shards for training and evaluation, one command for each layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orate.cli.check_shards import check
from orate.cli.engines import EngineName, EngineOption, RayAddress
from orate.cli.prepare_options import (
    PAPER,
    Fps,
    Limit,
    Offset,
    Out,
    Rate,
    ShardMb,
    Speakers,
    SplitName,
    Voice,
    Workers,
    prepare_progress,
    print_missing_parts,
    print_report,
    run,
    speaker_list,
    split_of,
)
from orate.cli.prepare_synthetic import synthetic
from orate.corpora.splits import (
    DEFAULT_TEST_SHARE,
    DEFAULT_VALIDATION_EVERY,
    DEFAULT_VALIDATION_SHARE,
    GRID_VALIDATION_EVERY,
    GRID_VALIDATION_SPEAKERS,
    HashSplit,
    SplitRule,
)
from orate.errors import OrateError

__all__ = ["prepare_app", "prepare_progress", "print_report"]

SENTENCES = "sentences"
DEFAULT_RATE = 50_000
DEFAULT_SHARD_MB = 256

prepare_app = typer.Typer(
    no_args_is_help=True,
    help="Turn a corpus into shards of aligned faces and sound. What is held out is decided by names alone, so that "
    "preparing more later moves nothing.",
)


@prepare_app.command()
def grid(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder with s1, s2, ... (videos) and align; or one with videos.")],
    out: Out,
    speakers: Speakers = None,
    limit: Limit = None,
    split: Annotated[
        str,
        typer.Option(
            help="sentences: every 20th sentence is held out; paper: the paper's, by speakers; or a CSV file with the "
            "columns speaker, split."
        ),
    ] = SENTENCES,
    validation_every: Annotated[
        int | None,
        typer.Option(min=0, help="Every n-th clip of each speaker is validation; 0: none. Default: 20, of s4 8."),
    ] = None,
    validation_speakers: Annotated[
        str | None, typer.Option(help="Speakers held out whole, separated by commas. Default: unseen.")
    ] = None,
    workers: Workers = None,
    rate: Rate = DEFAULT_RATE,
    fps: Fps = 25.0,
    offset: Offset = True,
    voice: Voice = True,
    shard_mb: ShardMb = DEFAULT_SHARD_MB,
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
) -> None:
    """Prepare the GRID corpus: SRC/s1/*.mpg or .mp4, SRC/align/*.align."""
    from orate.corpora.grid import find_clips, paper_split
    from orate.corpora.layout import Found

    if split != SENTENCES and (validation_every is not None or validation_speakers is not None):
        raise OrateError("--validation-every and --validation-speakers go with --split sentences only.")
    held_out = GRID_VALIDATION_SPEAKERS
    if validation_speakers is not None:
        held_out = frozenset(speaker_list(validation_speakers))
    by_sentence = SplitRule(
        every=DEFAULT_VALIDATION_EVERY if validation_every is None else validation_every,
        every_of=GRID_VALIDATION_EVERY if validation_every is None else {},
        validation_speakers=held_out,
    )
    rule = by_sentence if split == SENTENCES else split_of(split) or paper_split()
    run(
        context,
        Found(find_clips(source, speaker_list(speakers), rule, limit)),
        out,
        workers=workers,
        rate=rate,
        fps=fps,
        offset=offset,
        voice=voice,
        shard_mb=shard_mb,
        engine=engine,
        ray_address=ray_address,
    )


@prepare_app.command("tcd-timit")
def tcd_timit(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder with volunteers and lipspeakers; or a folder of it.")],
    out: Out,
    speakers: Speakers = None,
    limit: Limit = None,
    split: SplitName = PAPER,
    lipspeakers: Annotated[
        bool, typer.Option("--lipspeakers/--no-lipspeakers", help="Take the three lipspeakers too.")
    ] = True,
    workers: Workers = None,
    rate: Rate = DEFAULT_RATE,
    fps: Fps = 25.0,
    offset: Offset = True,
    voice: Voice = True,
    shard_mb: ShardMb = DEFAULT_SHARD_MB,
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
) -> None:
    """Prepare TCD-TIMIT, front camera: SRC/volunteers/01M/Clips/straightcam/*.mp4, SRC/lipspeakers/Lipspkr1/..."""
    from orate.corpora.tcd_timit import find_clips

    run(
        context,
        find_clips(source, speaker_list(speakers), split_of(split), limit, lipspeakers=lipspeakers),
        out,
        workers=workers,
        rate=rate,
        fps=fps,
        offset=offset,
        voice=voice,
        shard_mb=shard_mb,
        engine=engine,
        ray_address=ray_address,
    )


@prepare_app.command("crema-d")
def crema_d(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder with VideoFlash and AudioWAV; or VideoFlash itself.")],
    out: Out,
    speakers: Speakers = None,
    limit: Limit = None,
    split: SplitName = PAPER,
    workers: Workers = None,
    rate: Rate = DEFAULT_RATE,
    fps: Fps = 25.0,
    offset: Offset = True,
    voice: Voice = True,
    shard_mb: ShardMb = DEFAULT_SHARD_MB,
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
) -> None:
    """Prepare CREMA-D: SRC/VideoFlash/1001_DFA_ANG_XX.flv, SRC/AudioWAV/*.wav; emotions are kept."""
    from orate.corpora.crema_d import find_clips

    run(
        context,
        find_clips(source, speaker_list(speakers), split_of(split), limit),
        out,
        workers=workers,
        rate=rate,
        fps=fps,
        offset=offset,
        voice=voice,
        shard_mb=shard_mb,
        engine=engine,
        ray_address=ray_address,
    )


@prepare_app.command()
def lrw(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder lipread_mp4, or the one that holds it.")],
    out: Out,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many clips of each word and part.")] = None,
    workers: Workers = None,
    rate: Rate = DEFAULT_RATE,
    fps: Fps = 25.0,
    offset: Offset = True,
    voice: Voice = True,
    shard_mb: ShardMb = DEFAULT_SHARD_MB,
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
) -> None:
    """Prepare LRW with its own split: SRC/ABOUT/train/ABOUT_00001.mp4 and .txt."""
    from orate.corpora.lrw import find_clips

    run(
        context,
        find_clips(source, limit),
        out,
        workers=workers,
        rate=rate,
        fps=fps,
        offset=offset,
        voice=voice,
        shard_mb=shard_mb,
        engine=engine,
        ray_address=ray_address,
    )


@prepare_app.command()
def folder(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder of videos, nested as you like: a speaker is a folder in it.")],
    out: Out,
    metadata: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns path, speaker, split, transcript, emotion. Default: SRC/metadata.csv."
        ),
    ] = None,
    piece_seconds: Annotated[float, typer.Option(min=1, help="Longer recordings are cut into equal pieces.")] = 10.0,
    limit: Limit = None,
    split: Annotated[
        str | None, typer.Option(help="CSV file with the columns speaker, split. Default: by a hash of the speaker.")
    ] = None,
    validation_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the speakers that the hash puts in validation.")
    ] = DEFAULT_VALIDATION_SHARE,
    test_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the speakers that the hash puts in the test part.")
    ] = DEFAULT_TEST_SHARE,
    workers: Workers = None,
    rate: Rate = DEFAULT_RATE,
    fps: Fps = 25.0,
    offset: Offset = True,
    voice: Voice = True,
    shard_mb: ShardMb = DEFAULT_SHARD_MB,
    engine: EngineOption = EngineName.POOL,
    ray_address: RayAddress = None,
) -> None:
    """Prepare any folder of videos; .txt, .srt, .vtt or .json beside a video say what is said in it."""
    from orate.corpora.folder import find_clips

    by_hash = HashSplit(validation_share, test_share)
    rule = split_of(split, by_hash) if split else by_hash
    found = find_clips(source, rule, limit, piece_s=piece_seconds, metadata=metadata)
    print_missing_parts(found)
    run(
        context,
        found,
        out,
        workers=workers,
        rate=rate,
        fps=fps,
        offset=offset,
        voice=voice,
        shard_mb=shard_mb,
        engine=engine,
        ray_address=ray_address,
    )


prepare_app.command()(synthetic)
prepare_app.command()(check)
