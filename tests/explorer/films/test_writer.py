"""Films hold every picture, in its size and its colours."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from explorer.films.writer import (
    LEAST_WIDTH,
    held_seconds,
    most_film_bytes,
    write_gif,
    write_mp4,
)
from store.errors import MissingExtraError

SIZE = (48, 32)
COLOURS = [(200, 30, 30), (30, 160, 60), (40, 60, 200), (30, 160, 60)]


def png(colour, mark=0):
    picture = Image.new("RGB", SIZE, colour)
    picture.paste((255, 255, 255), (0, 0, 8 * mark, 4))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


FRAMES = [png(colour, number % 3) for number, colour in enumerate(COLOURS)]


def mp4_frames(path):
    """What ffmpeg tells of a film, and its frames."""
    program = pytest.importorskip("imageio_ffmpeg", reason="mp4 needs the extra film")
    options = ["-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run([program.get_ffmpeg_exe(), *options], capture_output=True, check=True)
    return done.stderr.decode(), np.frombuffer(done.stdout, np.uint8).reshape(-1, *SIZE[::-1], 3)


def gif_frames(path):
    with Image.open(path) as film:
        about, frames = dict(film.info), []
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.array(film.convert("RGB")))
        return about, frames


def test_an_mp4_holds_the_pictures(tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="mp4 needs the extra film")
    path = tmp_path / "film.partial"  # a name that says nothing
    write_mp4(path, iter(FRAMES), 5)
    about, frames = mp4_frames(path)
    assert re.search(r"Video: h264 .*yuv420p.* 48x32.* 5 fps", about)
    assert len(frames) == 15  # three seconds
    shown = [*COLOURS, *COLOURS[-1:] * 11]  # the last one stays
    for frame, colour in zip(frames, shown, strict=True):
        assert np.abs(frame[24, 24].astype(int) - colour).max() <= 6


def test_a_film_lasts_three_seconds_and_holds_its_last_frame(tmp_path):
    assert [held_seconds(1, 10), held_seconds(15, 10), held_seconds(94, 10)] == [2.9, 1.5, 1.5]
    write_gif(tmp_path / "film.gif", FRAMES, 10)
    with Image.open(tmp_path / "film.gif") as film:
        durations = []
        for number in range(film.n_frames):
            film.seek(number)
            durations.append(film.info["duration"])
    assert durations == [100, 100, 100, 2700]
    assert sum(durations) == 3000


def noisy(number):
    values = np.random.default_rng(number).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_gif_is_made_smaller_until_it_fits(tmp_path):
    frames = [noisy(number) for number in range(2)]
    path = tmp_path / "film.gif"
    write_gif(path, frames, 10)
    whole = path.stat().st_size
    most = whole // 3
    write_gif(path, frames, 10, most_bytes=most)
    assert most / 3 < path.stat().st_size <= most
    with Image.open(path) as film:
        width, height = film.size
    assert LEAST_WIDTH < width < 600
    assert height == pytest.approx(width * 2 / 3, abs=1)
    write_gif(path, frames, 10, most_bytes=1)  # what cannot be is not tried for ever
    with Image.open(path) as film:
        assert film.size == (LEAST_WIDTH, 160)
    assert most_film_bytes(path, None) == 1_000_000
    assert most_film_bytes(tmp_path / "film.mp4", None) is None


def test_a_gif_holds_the_pictures_and_equal_ones_are_equal(tmp_path):
    path = tmp_path / "film.partial"
    write_gif(path, iter(FRAMES), 8)
    about, frames = gif_frames(path)
    assert (about["duration"], about["loop"]) == (120, 0)
    assert len(frames) == len(FRAMES)
    for frame, colour in zip(frames, COLOURS, strict=True):
        assert frame.shape == (*SIZE[::-1], 3)
        assert np.abs(frame[24, 24].astype(int) - colour).max() <= 3
    np.testing.assert_array_equal(frames[1][8:], frames[3][8:])


def test_one_palette_serves_a_long_film(tmp_path):
    shades = [png((step, 255 - step, 128)) for step in range(0, 256, 8)]
    path = tmp_path / "film.gif"
    write_gif(path, shades, 60)
    about, frames = gif_frames(path)
    assert about["duration"] == 20
    for step, frame in zip(range(0, 256, 8), frames, strict=True):
        assert np.abs(frame[24, 24].astype(int) - (step, 255 - step, 128)).max() <= 16


def test_a_thin_bar_of_colours_keeps_them_beside_a_large_picture(tmp_path):
    """As a colour bar does: few pixels, many colours; the paper stays what it is."""
    shades = np.full((200, 400, 3), 255, np.uint8)
    ramp = np.linspace(0, 255, 400).astype(np.uint8)
    shades[:3] = np.stack([ramp, ramp[::-1], np.full(400, 90)], -1)
    noise = np.random.default_rng(0).integers(100, 160, (150, 300, 1))
    shades[20:170, 50:350] = noise + np.array([0, 20, 40])
    buffer = io.BytesIO()
    Image.fromarray(shades).save(buffer, "PNG")
    write_gif(tmp_path / "film.gif", [buffer.getvalue()], 10)
    _, (frame,) = gif_frames(tmp_path / "film.gif")
    error = np.abs(frame.astype(int) - shades).max(axis=-1)
    assert error.max() <= 16
    assert not error[180:].any()


def test_few_colours_are_kept_exactly(tmp_path):
    colours = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, "PNG")
    write_gif(tmp_path / "film.gif", [buffer.getvalue()] * 2, 10)
    _, frames = gif_frames(tmp_path / "film.gif")
    np.testing.assert_array_equal(frames[0], colours)


def test_a_film_without_its_program_says_what_to_install(tmp_path, monkeypatch):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="mp4 needs the extra film")

    def missing():
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(MissingExtraError, match=r"needs ffmpeg.*IMAGEIO_FFMPEG_EXE.*or write a"):
        write_mp4(tmp_path / "film.mp4", FRAMES, 5)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r'need Pillow.*pip install "trainlapse\[film\]"'):
        write_gif(tmp_path / "film.gif", FRAMES, 5)


def test_an_mp4_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(
        MissingExtraError, match=r'pip install "trainlapse\[film\]", or write a .gif'
    ):
        write_mp4(tmp_path / "film.mp4", FRAMES, 5)
