"""Write pictures of steps as a film: mp4 or gif."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from store.errors import MissingExtraError

UInt8 = npt.NDArray[np.uint8]
UInt32 = npt.NDArray[np.uint32]

EXTRA = 'Install it with: pip install "trainlapse[film]"'
# Constant rate factor of H.264: nearly lossless, so that lines and letters stay sharp.
QUALITY = 18
# Colours of a gif. The most frequent ones of the film, such as background and text, are kept
# exactly; the rest of the palette approximates all other colours.
COLOURS = 256
KEPT_COLOURS = 64
# Exponent of a colour's frequency when the others are approximated: below 1, so that the rare
# colours of a thin colour bar get their share beside frequent ones.
FREQUENCY_EXPONENT = 0.4


def require_mp4() -> None:
    """Check that `write_mp4` has all that it needs.

    Raises
    ------
    MissingExtraError
        Pillow, imageio-ffmpeg or ffmpeg is not installed.
    """
    require_gif()
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"An mp4 needs imageio-ffmpeg, which is not installed. {EXTRA}, or write a .gif."
        ) from error
    try:
        get_ffmpeg_exe()
    except RuntimeError as error:
        raise MissingExtraError(
            "An mp4 needs ffmpeg, which was not found. Install it, or set IMAGEIO_FFMPEG_EXE to "
            "its path, or write a .gif."
        ) from error


def require_gif() -> None:
    """Check that `write_gif` has all that it needs.

    Raises
    ------
    MissingExtraError
        Pillow is not installed.
    """
    try:
        from PIL import Image  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"Films need Pillow, which is not installed. {EXTRA}") from error


def write_mp4(path: Path, frames: Iterable[bytes], fps: float) -> None:
    """Write a film in H.264, in the colour format that every player reads (yuv420p).

    Parameters
    ----------
    path : Path
        File to write.
    frames : iterable of bytes
        PNG files of one size; width and height are even.
    fps : float
        Frames a second.

    Raises
    ------
    MissingExtraError
        Pillow, imageio-ffmpeg or ffmpeg is not installed.
    """
    require_mp4()
    from imageio_ffmpeg import write_frames

    # While it is written the file has a temporary name, so ffmpeg cannot tell the format by it.
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
        As for `write_mp4`. A frame lasts 20 ms at least, in multiples of 10 ms.

    Raises
    ------
    MissingExtraError
        Pillow is not installed.
    """
    require_gif()
    from PIL import Image

    every = list(frames)
    palette, places = _palette(every)
    pictures = []
    for frame in every:
        picture = Image.fromarray(places[_codes(frame)])
        picture.putpalette(palette.tobytes())
        pictures.append(picture)
    duration = max(20, 10 * round(100 / fps))  # browsers slow down shorter ones
    pictures[0].save(
        path, "GIF", save_all=True, append_images=pictures[1:], duration=duration, loop=0
    )


def _palette(frames: Sequence[bytes]) -> tuple[UInt8, UInt8]:
    """Choose the colours of a film, (colour, 3), and the nearest of them for each colour code.

    The second array has one place for each of the 2²⁴ codes; those not in the film are 0.
    """
    codes, counts = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    for frame in frames:
        own, often = np.unique(_codes(frame), return_counts=True)
        codes, places = np.unique(np.concatenate([codes, own]), return_inverse=True)
        total = np.zeros(len(codes), np.int64)
        np.add.at(total, places, np.concatenate([counts, often]))
        counts = total
    palette = _rgb(codes)
    if len(codes) > COLOURS:
        order = np.argsort(-counts, kind="stable")
        rest = order[KEPT_COLOURS:]
        weights = np.ceil(counts[rest] ** FREQUENCY_EXPONENT).astype(int)
        others = _reduced(np.repeat(codes[rest], weights), COLOURS - KEPT_COLOURS)
        palette = np.concatenate([palette[order[:KEPT_COLOURS]], others])
    nearest = np.zeros(1 << 24, np.uint8)
    nearest[codes] = cKDTree(palette).query(_rgb(codes))[1]
    return palette, nearest


def _reduced(codes: UInt32, count: int) -> UInt8:
    """Approximate colour codes by at most `count` colours: (colour, 3)."""
    from PIL import Image

    sheet = Image.fromarray(_rgb(codes)[None])
    made = sheet.quantize(count, method=Image.Quantize.FASTOCTREE).getpalette()
    return np.array(made, np.uint8).reshape(-1, 3)[:count]


def _codes(frame: bytes) -> UInt32:
    """Red, green and blue of each pixel as one 24-bit code: (y, x)."""
    rgb = np.asarray(_picture(frame), np.uint32)
    return (rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]).astype(np.uint32, copy=False)


def _rgb(codes: UInt32) -> UInt8:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], -1).astype(np.uint8)


def _picture(frame: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(frame)).convert("RGB")


WRITERS = {".mp4": write_mp4, ".gif": write_gif}
REQUIRED = {".mp4": require_mp4, ".gif": require_gif}
