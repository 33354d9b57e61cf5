"""Pictures of steps, one after the other, as a film: mp4 or gif."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from explorer.export.screen import EXTRA
from store.errors import MissingExtraError

# Near to lossless: lines and letters stay sharp, and a film of a card is small all the same.
QUALITY = 18
# A palette is made of so many frames at most, each of them made as small.
PALETTE_FRAMES = 200
PALETTE_PX = 240
COLOURS = 256


def write_mp4(path: Path, frames: Iterable[bytes], fps: float) -> None:
    """Write a film in H.264 with colours as every player takes them (yuv420p).

    Parameters
    ----------
    path : Path
        Ends in ``.mp4``.
    frames : iterable of bytes
        PNG files of one size, which is even.
    fps : float
        Frames a second.
    """
    try:
        from imageio_ffmpeg import write_frames
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"An mp4 needs imageio-ffmpeg, which is not installed. {EXTRA}, or write a .gif."
        ) from error
    # The file has a name of its own until it is whole, so its ending says nothing.
    options = ["-f", "mp4", "-crf", str(QUALITY), "-movflags", "+faststart"]
    writer: Any = None
    try:
        for frame in frames:
            picture = _picture(frame)
            if writer is None:
                writer = write_frames(
                    str(path),
                    picture.size,
                    fps=fps,
                    codec="libx264",
                    pix_fmt_out="yuv420p",
                    macro_block_size=2,
                    quality=None,
                    output_params=options,
                )
                writer.send(None)
            writer.send(picture.tobytes())
    finally:
        if writer is not None:
            writer.close()


def write_gif(path: Path, frames: Iterable[bytes], fps: float) -> None:
    """Write a film whose frames share one palette, so that equal colours stay equal.

    Parameters
    ----------
    path, frames, fps
        As for `write_mp4`, ending in ``.gif``. Durations are rounded to 1/100 s.
    """
    from PIL import Image

    every = list(frames)
    palette = _palette(every)
    pictures = [
        _picture(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in every
    ]
    duration = max(20, 10 * round(100 / fps))  # browsers slow down what is quicker
    pictures[0].save(
        path, "GIF", save_all=True, append_images=pictures[1:], duration=duration, loop=0
    )


def _palette(frames: Sequence[bytes]) -> Any:
    """Colours of the film, from its frames; of a long one, from some of them."""
    from PIL import Image

    spread = -(-len(frames) // PALETTE_FRAMES)
    chosen = [_picture(frame) for frame in frames[::spread]]
    for picture in chosen:
        picture.thumbnail((PALETTE_PX, PALETTE_PX), Image.Resampling.NEAREST)
    width, height = chosen[0].size
    sheet = Image.new("RGB", (width, height * len(chosen)))
    for row, picture in enumerate(chosen):
        sheet.paste(picture, (0, row * height))
    return sheet.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)


def _picture(frame: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(frame)).convert("RGB")


WRITERS = {".mp4": write_mp4, ".gif": write_gif}
