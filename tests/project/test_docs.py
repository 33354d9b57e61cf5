"""The documents say what the code does: what they name exists, and what exists they name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import click
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
TOP_LEVEL = ("recorder", "store", "explorer")

# One screen or two: past it nobody reads the map.
MAX_MAP_LINES = 110
# Ten small epochs take some 10 s, but importing TensorFlow on a loaded machine a minute.
README_SECONDS = 300

# What README.md assumes: a training of one's own, one of several models, and a loop of one's own.
TRAINING_OF_ONES_OWN = """
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
x = np.random.default_rng(1).random((256, 12, 12, 1), dtype="float32")
y = (x[:, :6].mean((1, 2, 3)) > x[:, 6:].mean((1, 2, 3))).astype("int64")
x_train, y_train, x_test, y_test = x[:192], y[:192], x[192:], y[192:]
x, y = x_train, y_train

model = keras.Sequential([
    keras.Input((12, 12, 1)),
    keras.layers.Conv2D(4, 3, activation="relu", name="conv1"),
    keras.layers.MaxPooling2D(name="pool1"),
    keras.layers.Flatten(name="flatten"),
    keras.layers.Dense(10, activation="softmax", name="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

class Gan(keras.Model):
    def __init__(self):
        super().__init__()
        square = keras.layers.Reshape((12, 12, 1))
        self.generator = keras.Sequential([keras.Input((8,)), keras.layers.Dense(144), square])
        judging = [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
        self.discriminator = keras.Sequential(judging)

    def train_step(self, images):
        with tf.GradientTape() as tape:
            made = self.generator(tf.random.normal((tf.shape(images)[0], 8)))
            loss = tf.reduce_mean(self.discriminator(made) - self.discriminator(images))
        weights = self.discriminator.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"d_loss": loss}

gan, noise = Gan(), np.random.default_rng(2).normal(size=(4, 8)).astype("float32")
gan.compile("sgd")

batches = [(x[i : i + 32], y[i : i + 32]) for i in range(0, 192, 32)]

def train_step(batch):
    return model.train_on_batch(*batch, return_dict=True)["loss"]
"""


# Pages of the site that are written by hand, and those whose Python runs.
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
RUN = ["README.md", "docs/ten_minutes.md"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --- ARCHITECTURE.md -----------------------------------------------------------------------------


def modules() -> list[str]:
    """Paths of all modules, such as ``store/reader.py``; a package counts as its folder."""
    return sorted(
        file.relative_to(ROOT).as_posix()
        for top in TOP_LEVEL
        for file in (ROOT / top).rglob("*.py")
        if file.name != "__init__.py"
    )


def folders() -> list[str]:
    """Paths of all packages, such as ``explorer/derived/``."""
    return sorted(
        f"{file.parent.relative_to(ROOT).as_posix()}/"
        for top in TOP_LEVEL
        for file in (ROOT / top).rglob("__init__.py")
    )


def named_paths(text: str) -> set[str]:
    """Folders and modules that a map names.

    ``store/reader.py`` and ``derived/`` speak for themselves. A bare ``reader.py`` belongs to the
    folder named last before it, on its line or above.
    """
    known = folders()
    found: set[str] = set()
    current = ""
    for word in re.findall(r"[\w./]*\w(?:/|\.py\b)", text):
        head, slash, tail = word.rpartition("/")
        if slash:
            asked = f"{head}/"
            fits = [folder for folder in known if f"/{folder}".endswith(f"/{asked}")]
            folder = fits[0] if len(fits) == 1 else asked
            if not tail:
                current = folder
        else:
            folder = current
        found.add(f"{folder}{tail}")
    return found


def test_the_map_is_short() -> None:
    lines = len(read("ARCHITECTURE.md").splitlines())
    assert lines <= MAX_MAP_LINES, f"ARCHITECTURE.md has {lines} lines, at most {MAX_MAP_LINES}"


def test_the_map_names_every_module() -> None:
    missing = sorted({*modules(), *folders()} - named_paths(read("ARCHITECTURE.md")))
    assert not missing, f"ARCHITECTURE.md does not name {missing}"


def test_the_map_names_no_module_that_is_gone() -> None:
    tops = tuple(f"{top}/" for top in TOP_LEVEL)
    named = {path for path in named_paths(read("ARCHITECTURE.md")) if path.startswith(tops)}
    gone = sorted(path for path in named if not (ROOT / path).exists())
    assert not gone, f"ARCHITECTURE.md names what does not exist: {gone}"


def test_names_in_a_map_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ["store/", "explorer/", "explorer/derived/", "explorer/views/"]
    monkeypatch.setattr(sys.modules[__name__], "folders", lambda: known)
    text = "`store/`  schema.py, writer.py\n  derived/ weights.py\nsee explorer/cli.py. state.py"
    assert named_paths(text) == {
        "store/",
        "store/schema.py",
        "store/writer.py",
        "explorer/derived/",
        "explorer/derived/weights.py",
        "explorer/cli.py",
        "explorer/derived/state.py",
    }


# --- CONTRIBUTING.md -----------------------------------------------------------------------------


def section(title: str) -> str:
    """Give the text of a section of CONTRIBUTING.md."""
    text = read("CONTRIBUTING.md")
    begin = text.index(f"## {title}\n")
    return text[begin : text.index("\n## ", begin + 1)]


def test_add_a_backend_names_what_a_backend_is() -> None:
    from recorder import backend

    told = set(re.findall(r"`([\w.]+)`", section("Add a backend")))
    protocols = {name for name, value in vars(backend).items() if is_protocol(value)}
    asked = {
        member
        for protocol in (backend.Backend, backend.Subject)
        for member in vars(protocol)
        if not member.startswith("_")
    }
    missing = sorted((protocols | asked | {"BACKENDS"}) - told)
    assert not missing, f"Add a backend does not name {missing}"
    known = {
        *protocols,
        *asked,
        *vars(backend),
        *dir(backend.Evaluation),
        "LayerSpec",
        "WeightSpec",
    }
    gone = sorted(name for name in told if name.rsplit(".", maxsplit=1)[-1] not in known)
    assert not gone, f"Add a backend names what recorder.backend does not have: {gone}"


def is_protocol(value: object) -> bool:
    return isinstance(value, type) and Protocol in value.__bases__


# --- The command line ----------------------------------------------------------------------------


def cli() -> click.Group:
    from explorer.cli import main

    assert isinstance(main, click.Group)
    return main


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with its words: ``("export html", command)``."""
    if isinstance(command, click.Group):
        context = command.make_context(command.name, [], resilient_parsing=True)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from walk(child, (*path, name))
    if path:
        yield " ".join(path), command


def options_of(command: click.Command) -> set[str]:
    return {
        spelling
        for parameter in command.params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
        if spelling.startswith("--")
    } | {"--help"}


def test_every_command_has_help() -> None:
    for name, command in walk(cli()):
        assert (command.help or "").strip(), f"trainlapse {name} has no help text"
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"trainlapse {name} {parameter.opts[0]} has no help text"
        result = CliRunner().invoke(cli(), [*name.split(), "--help"])
        assert result.exit_code == 0, result.output


def test_readme_names_every_command() -> None:
    text = read("README.md")
    missing = [
        name
        for name, command in walk(cli())
        if not command.hidden and not re.search(rf"\btrainlapse {name}\b", text)
    ]
    assert not missing, f"README.md does not name {[f'trainlapse {name}' for name in missing]}"


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_a_page_names_only_commands_and_options_that_exist(page: str) -> None:
    """Judged in code only: in prose the word after the tool's name may be any."""
    commands = dict(walk(cli()))
    spoken = [line for block in code_blocks(page) for line in block.text.splitlines()]
    spoken += re.findall(r"`(trainlapse [^`\n]+)`", read(page))
    for line in spoken:
        for words in re.findall(r"(?:^|[\s$(/])trainlapse +([^#|]*)", line):
            name = words.split()[0]
            if name.startswith("-"):
                continue
            if re.fullmatch(r"\[|--.*", name):
                continue
            assert name in commands, f"{page}: 'trainlapse {name}' is no command, in: {line}"
            known = set().union(
                *(options_of(c) for n, c in commands.items() if n.split()[0] == name)
            )
            for option in re.findall(r"(?<!\S)--[\w-]+", words):
                assert option in known, f"{page}: trainlapse {name} knows no {option}: {line}"


# --- Code in README.md ---------------------------------------------------------------------------


class CodeBlock:
    """A fenced block of a document."""

    def __init__(self, line: int, info: str, text: str) -> None:
        self.line = line
        self.language, *self.marks = info.split() or [""]
        self.text = text


def code_blocks(name: str) -> list[CodeBlock]:
    """Fenced blocks of a document, with the line on which their code begins."""
    text = read(name)
    return [
        CodeBlock(text.count("\n", 0, match.start(2)) + 1, match[1], match[2])
        for match in re.finditer(r"^```([^\n`]*)\n(.*?)^```\s*$", text, flags=re.M | re.S)
    ]


def python_blocks(page: str = "README.md") -> list[CodeBlock]:
    return [block for block in code_blocks(page) if block.language in {"python", "py"}]


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_every_python_block_says_whether_it_runs(page: str) -> None:
    """```` ```python runnable ```` or ```` ```python sketch ````: a page shows neither word."""
    unmarked = [
        block.line for block in python_blocks(page) if block.marks not in (["runnable"], ["sketch"])
    ]
    assert not unmarked, f"{page}, lines {unmarked}: mark the Python as runnable or as sketch"
    for block in python_blocks(page):
        compile(block.text, page, "exec")


@pytest.mark.parametrize("page", RUN)
def test_some_python_of_a_page_runs(page: str) -> None:
    assert any(block.marks == ["runnable"] for block in python_blocks(page))


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_python_of_a_page_runs(page: str, tmp_path: Path) -> None:
    """All of it in order in one interpreter, after a small real training has been set up."""
    program = tmp_path / "readme.py"
    parts = [TRAINING_OF_ONES_OWN]
    for block in python_blocks(page):
        if "runnable" in block.marks:
            # A traceback then names the line of the page.
            code = "\n" * (block.line - 1) + block.text
            parts.append(f"exec(compile({code!r}, {page!r}, 'exec'))")
    program.write_text("\n".join(parts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=README_SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_the_files_that_readme_links_to_exist() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SCHEMA.md"):
        targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", read(name))
        targets += re.findall(r'src="(?!https?:|data:)([^"]+)"', read(name))
        missing = sorted({target for target in targets if not (ROOT / target).exists()})
        assert not missing, f"{name} links to what does not exist: {missing}"
