"""Video in and out: the public names of this room's reader and writer."""

from orate.media.video_reader import (
    FrameReader,
    SteadyReader,
    VideoFrame,
    VideoInfo,
    read_video,
    read_video_at,
    video_info,
)
from orate.media.video_writer import VideoWriter

__all__ = [
    "FrameReader",
    "SteadyReader",
    "VideoFrame",
    "VideoInfo",
    "VideoWriter",
    "read_video",
    "read_video_at",
    "video_info",
]
