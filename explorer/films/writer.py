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
QUALITY, LEAST_QUALITY = 18, 36
# Colours of a gif. The most frequent ones of the film, such as background and text, are kept
# exactly; the rest of the palette approximates all other colours.
COLOURS = 256
KEPT_COLOURS = 64
# Exponent of a colour's frequency when the others are approximated: below 1, so that the rare
# colours of a thin colour bar get their share beside frequent ones.
FREQUENCY_EXPONENT = 0.4
# The last frame stays, so that one can read it before a film begins again; a film that is over at
# once cannot be looked at.
HOLD_SECONDS = 1.5
LEAST_SECONDS = 3.0
# What mail, wikis and slides take.
MOST_GIF_BYTES = 1_000_000
LEAST_WIDTH = 240


def held_seconds(count: int, fps: float) -> float:
    """Seconds that the last of so many frames stays longer than the others."""
    return max(HOLD_SECONDS, LEAST_SECONDS - count / fps)


def most_film_bytes(path: Path, asked: int | None) -> int | None:
    """Bytes that a film may have: as asked for, else `MOST_GIF_BYTES` of a gif; None: any."""
    if asked is not None:
        return asked
    return MOST_GIF_BYTES if path.suffix.lower() == ".gif" else None


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


def write_mp4(
    path: Path, frames: Iterable[bytes], fps: float, *, most_bytes: int | None = None
) -> None:
    """Write a film in H.264, in the colour format that every player reads (yuv420p).

    The last frame stays on screen, see `held_seconds`.

    Parameters
    ----------
    path : Path
        File to write.
    frames : iterable of bytes
        PNG files of one size; width and height are even.
    fps : float
        Frames a second.
    most_bytes : int, optional
        As for `write_gif`, if possible; more is lost of the pictures then.

    Raises
    ------
    MissingExtraError
        Pillow, imageio-ffmpeg or ffmpeg is not installed.
    """
    require_mp4()
    every = frames if most_bytes is None else list(frames)
    quality = QUALITY
    while True:
        _encode(path, every, fps, quality)
        fits = most_bytes is None or path.stat().st_size <= most_bytes
        if fits or quality >= LEAST_QUALITY:
            return
        quality += 6  # which halves the bytes, roughly


def _encode(path: Path, frames: Iterable[bytes], fps: float, quality: int) -> None:
    from imageio_ffmpeg import write_frames

    # While it is written the file has a temporary name, so ffmpeg is told the format.
    options = ["-f", "mp4", "-crf", str(quality), "-movflags", "+faststart"]
    writer: Any = None
    count, content = 0, b""
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
            count, content = count + 1, picture.tobytes()
            writer.send(content)
        for _ in range(round(held_seconds(count, fps) * fps) if count else 0):
            writer.send(content)
    finally:
        if writer is not None:
            writer.close()


def write_gif(
    path: Path, frames: Iterable[bytes], fps: float, *, most_bytes: int | None = None
) -> None:
    """Write a film whose frames share one palette, so that equal colours stay equal.

    The last frame stays on screen, see `held_seconds`.

    Parameters
    ----------
    path, frames, fps
        As for `write_mp4`. A frame lasts 20 ms at least, in multiples of 10 ms.
    most_bytes : int, optional
        The pictures are made smaller until the file has no more, down to `LEAST_WIDTH`.

    Raises
    ------
    MissingExtraError
        Pillow is not installed.
    """
    require_gif()

    every = list(frames)
    duration = max(20, 10 * round(100 / fps))  # browsers slow down shorter ones
    held = duration + 10 * round(100 * held_seconds(len(every), fps))
    durations = [duration] * (len(every) - 1) + [held]
    width, height = _picture(every[0]).size
    share = 1.0
    while True:
        wide = max(min(width, LEAST_WIDTH), round(width * share))
        pictures = _with_palette(every, (wide, max(1, round(height * wide / width))))
        # Frames that are alike are joined: what stays on screen needs no bytes.
        pictures[0].save(
            path, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0
        )
        size = path.stat().st_size
        if most_bytes is None or size <= most_bytes or wide <= LEAST_WIDTH:
            return
        # Bytes go with the pixels, roughly; so it is done in two or three rounds.
        share = wide / width * 0.95 * (most_bytes / size) ** 0.5


def _with_palette(frames: Sequence[bytes], size: tuple[int, int]) -> list[Any]:
    """Draw frames in one size, with the same 256 colours."""
    from PIL import Image

    palette, places = _palette(frames, size)
    pictures = []
    for frame in frames:
        picture = Image.fromarray(places[_codes(frame, size)])
        picture.putpalette(palette.tobytes())
        pictures.append(picture)
    return pictures


def _palette(frames: Sequence[bytes], size: tuple[int, int]) -> tuple[UInt8, UInt8]:
    """Choose the colours of a film, (colour, 3), and the nearest of them for each colour code.

    The second array has one place for each of the 2²⁴ codes; those not in the film are 0.
    """
    codes, counts = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    for frame in frames:
        own, often = np.unique(_codes(frame, size), return_counts=True)
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


def _codes(frame: bytes, size: tuple[int, int]) -> UInt32:
    """Red, green and blue of each pixel, in some size, as one 24-bit code: (y, x)."""
    picture = _picture(frame)
    rgb = np.asarray(picture if picture.size == size else picture.resize(size), np.uint32)
    return (rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]).astype(np.uint32, copy=False)


def _rgb(codes: UInt32) -> UInt8:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], -1).astype(np.uint8)


def _picture(frame: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(frame)).convert("RGB")


WRITERS = {".mp4": write_mp4, ".gif": write_gif}
REQUIRED = {".mp4": require_mp4, ".gif": require_gif}
