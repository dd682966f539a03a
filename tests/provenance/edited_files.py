"""What people and platforms do to video files."""

from __future__ import annotations

from pathlib import Path

import av


def remux(source: Path, target: Path, tags: dict[str, str] | None = None, end_s: float = 60.0) -> Path:
    """Copy a video's packets, up to a time, into a new container with other tags: nothing else of the old one stays."""
    with (
        av.open(str(source)) as given,
        av.open(str(target), "w", options={"movflags": "use_metadata_tags"}) as made,
    ):
        made.metadata.update(tags or {})
        streams = {stream.index: made.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is None or (packet.pts or 0) * packet.time_base >= end_s:
                continue
            packet.stream = streams[packet.stream.index]
            made.mux(packet)
    return target


def reencode(
    source: Path, target: Path, crf: int = 23, tags: dict[str, str] | None = None, end_s: float = 60.0
) -> Path:
    """Decode and encode the picture anew, up to a time, as a platform does."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        made.metadata.update(tags or {})
        old = given.streams.video[0]
        new = made.add_stream("libx264", rate=old.average_rate)
        new.width, new.height, new.pix_fmt = old.width, old.height, "yuv420p"
        new.options = {"crf": str(crf), "preset": "veryfast"}
        for frame in given.decode(old):
            if frame.time < end_s:
                frame.pict_type = 0
                made.mux(new.encode(frame))
        made.mux(new.encode(None))
    return target
