"""Measure the store side by side with other ways to keep a training: one run, ratios and targets.

Every number is a median of rounds in which all stores take turns, on the same frames. The frames
are those of a LeNet that drifts (`synthetic_run`), or of a real recording given with --run.

    python benchmarks/storage.py --steps 128

With --against, our forms alone, of this tree and of another working tree of Trainlapse, and the
ratios (`trees`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import synthetic_run
import trees
import zarr
from storage_formats import STORES, Frames, Index, Live, Npz, Packed, Store, WeightsH5

from store import RunWriter, open_run
from store.format.spec import LayerSpec, RunSpec, WeightSpec


def measure(work: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def write_all(stores: list[Store], frames: Iterator[Frames]) -> dict[str, list[float]]:
    """Milliseconds a step, stores taking turns; who begins changes from step to step."""
    times: dict[str, list[float]] = {store.name: [] for store in stores}
    for step, values in enumerate(frames):
        for store in stores[step % len(stores) :] + stores[: step % len(stores)]:
            times[store.name].append(measure(partial(store.write, step, values)))
    return times


def largest(frames: Frames, kind: str) -> str:
    """Path of the largest array of a kind."""
    return max((path for path in frames if kind in path), key=lambda path: frames[path].nbytes)


def questions(frames: Frames, steps: int) -> dict[str, tuple[str, Callable[[int], Index], int]]:
    """Say what is read: the array, the index in each round, and the number of rounds."""
    weight, activation = largest(frames, "/weights/"), largest(frames, "/activation")
    rng = np.random.default_rng(0)
    at = rng.integers(0, steps, 1000)

    def element(path: str, keep: int) -> Callable[[int], Index]:
        sizes = frames[path].shape
        spots = [rng.integers(0, size, 1000) for size in sizes]
        whole = set(range(len(sizes) - 1 - keep, len(sizes) - 1))

        def index(turn: int) -> Index:
            axes = range(len(sizes))
            spot = (slice(None) if a in whole else int(spots[a][turn]) for a in axes)
            return (slice(None), *spot)

        return index

    return {
        "frame, weight": (weight, lambda turn: (int(at[turn]),), 15),
        "frame, activation": (activation, lambda turn: (int(at[turn]),), 15),
        "one weight, all steps": (weight, element(weight, 0), 5),
        "a unit's weights, all steps": (weight, element(weight, 1), 5),
        "one activation, all steps": (activation, element(activation, 0), 5),
        "a channel, all steps": (activation, element(activation, 2), 5),
        "scan, weight": (weight, lambda _: (slice(None),), 3),
    }


def read_all(stores: list[Store], frames: Frames, steps: int) -> dict[str, dict[str, float]]:
    """Median milliseconds by question and store."""
    table: dict[str, dict[str, float]] = {}
    for question, (path, index, rounds) in questions(frames, steps).items():
        times: dict[str, list[float]] = {store.name: [] for store in stores}
        for turn in range(rounds):
            for store in stores:
                if isinstance(store, WeightsH5) and "/weights/" not in path:
                    continue
                times[store.name].append(measure(partial(store.read, path, index(turn))))
        table[question] = {name: statistics.median(each) for name, each in times.items() if each}
    return table


def engines(packed: Path, frames: Frames, steps: int) -> dict[str, dict[str, float]]:
    """Read the packed form by ourselves, by zarr-python, by zarrs and by TensorStore."""
    run = open_run(packed)
    table: dict[str, dict[str, float]] = {}
    for question, (path, index, rounds) in questions(frames, steps).items():
        reads: dict[str, Callable[[Index], object]] = {"ours": partial(run.read, path)}
        twin = f"history/{path}" if "all steps" in question else path
        plain = zarr.open_array(packed / twin, mode="r", zarr_format=3)
        reads["zarr-python"] = plain.__getitem__
        with suppress(ImportError):
            import zarrs  # noqa: F401

            with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
                fast = zarr.open_array(packed / twin, mode="r", zarr_format=3)
            reads["zarrs"] = fast.__getitem__
        with suppress(ImportError):
            import tensorstore

            kvstore = {"driver": "file", "path": f"{packed / twin}/"}
            other = tensorstore.open({"driver": "zarr3", "kvstore": kvstore}).result()
            reads["TensorStore"] = lambda i, other=other: other[i].read().result()
        times: dict[str, list[float]] = {name: [] for name in reads}
        for turn in range(rounds):
            for name, read in reads.items():
                times[name].append(measure(partial(read, index(turn))))
        table[question] = {name: statistics.median(each) for name, each in times.items()}
    return table


def open_long(folder: Path, long: int) -> dict[str, float]:
    """Open runs of 100 and of `long` steps: milliseconds and peak bytes."""
    weights = (WeightSpec("bias", ("unit",), (4,)),)
    spec = RunSpec("long", (LayerSpec("dense", "Dense", "dense", weights=weights),))
    found: dict[str, float] = {}
    paths = {}
    for steps in (100, long):
        paths[steps] = folder / f"long{steps}.zarr"
        with RunWriter.create(paths[steps], spec) as writer:
            frame = {"layers/dense/weights/bias": np.zeros(4, np.float32)}
            for step in range(steps):
                writer.append(step, epoch=0.0, wall_time=0.0, frames=frame)
                writer.commit_if_due()
    times: dict[int, list[float]] = {steps: [] for steps in paths}
    for _ in range(31):
        for steps, path in paths.items():
            times[steps].append(measure(partial(open_run, path)))
    for steps, path in paths.items():
        tracemalloc.start()
        kept = open_run(path)
        found[f"bytes {steps}"] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        del kept
        found[f"ms {steps}"] = statistics.median(times[steps])
    return found


def show(title: str, table: dict[str, dict[str, float]], columns: list[str], unit: str) -> None:
    """Print a table of medians."""
    width = max(len(row) for row in table)
    print(f"\n{title} ({unit})")
    print(" " * width, *(f"{column:>18}" for column in columns))
    for row, values in table.items():
        cells = (f"{values[c]:>18.2f}" if c in values else f"{'-':>18}" for c in columns)
        print(f"{row:<{width}}", *cells)


def target(what: str, value: float, most: float) -> dict[str, object]:
    """Print a ratio beside what it should reach."""
    verdict = "reached" if value <= most else "MISSED"
    print(f"  {verdict:8} {what:<50} {value:8.3f}  (at most {most})")
    return {"what": what, "value": value, "most": most}


def recorded_frames(run: Path, steps: int) -> tuple[RunSpec, Callable[[], Iterator[Frames]], int]:
    """Frames of a real recording."""
    opened = open_run(run)
    paths = [
        path
        for path, node in opened.nodes.items()
        if path.startswith("layers/") and node["node_type"] == "array"
    ]
    layers = []
    for layer in opened.layers.values():
        weights = []
        for name in layer.weights:
            node = opened.nodes[f"layers/{layer.name}/weights/{name}"]
            dims = tuple(node["dimension_names"][1:])
            weights.append(WeightSpec(name, dims, tuple(node["shape"][1:]), node["data_type"]))
        output: tuple[tuple[str, ...], tuple[int, ...], str] = ((), (), "float32")
        if layer.has_activation:
            node = opened.nodes[f"layers/{layer.name}/activation"]
            dims, shape = tuple(node["dimension_names"][1:]), tuple(node["shape"][1:])
            output = (dims, shape, node["data_type"])
        layers.append(
            LayerSpec(layer.name, layer.class_name, layer.kind, {}, (), *output, tuple(weights))
        )
    count = min(steps, len(opened))

    def frames() -> Iterator[Frames]:
        for step in range(count):
            yield {path: opened.read(path, (step,)) for path in paths}

    return RunSpec(opened.name, tuple(layers)), frames, count


def of_tree(root: Path, options: argparse.Namespace) -> trees.Figures:
    """Give the figures of another tree's store, or of this one's in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="trainlapse-benchmark-") as folder:
        written = Path(folder) / "figures.json"
        arguments = ["--json", str(written), "--steps", str(options.steps)]
        arguments += ["--long", str(options.long)]
        for name in ("run", "folder"):
            if getattr(options, name) is not None:
                arguments += [f"--{name}", str(getattr(options, name).resolve())]
        trees.run_script(root, "storage.py", arguments)
        found = json.loads(written.read_text())
    figures = {"write a step, live, ms": found["write"][Live.name]}
    for question, times in found["read"].items():
        for store in (Live, Packed):
            figures[f"{question}, {store.name}, ms"] = times[store.name]
    return figures | {each["what"]: each["value"] for each in found["targets"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=128, help="steps recorded (default: 128)")
    parser.add_argument("--run", type=Path, help="take the frames of this recorded run")
    parser.add_argument("--long", type=int, default=100_000, help="steps of the long run")
    parser.add_argument("--folder", type=Path, help="where to write; needs 25 MB a step")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--against", type=Path, help="root of another tree to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="with --against (default: 5)")
    options = parser.parse_args()
    if options.against:
        print(trees.compare(lambda root: of_tree(root, options), options.against, options.rounds))
        return
    if options.run:
        spec, frames, steps = recorded_frames(options.run, options.steps)
    else:
        spec, steps = synthetic_run.spec(), options.steps
        frames = lambda: synthetic_run.frames(steps)  # noqa: E731
    folder = Path(tempfile.mkdtemp(prefix="trainlapse-benchmark-", dir=options.folder))
    try:
        report(folder, spec, frames, steps, options.long, options.json)
    finally:
        shutil.rmtree(folder)


def report(
    folder: Path,
    spec: RunSpec,
    frames: Callable[[], Iterator[Frames]],
    steps: int,
    long: int,
    target_file: Path | None,
) -> None:
    """Run every measurement in `folder`."""
    first = next(frames())
    stores = [store(folder, first, spec) for store in STORES]
    written = write_all(stores, frames())
    for store in stores:
        store.close()
    raw = steps * sum(frame.nbytes for frame in first.values())
    print(f"{spec.name}: {steps} steps of {raw / steps / 1e6:.1f} MB")
    live, packed = stores[-2], stores[-1]
    assert isinstance(live, Live)
    assert isinstance(packed, Packed)
    print(packed.build(live))
    names = [store.name for store in stores]
    medians = {store.name: statistics.median(written[store.name]) for store in stores[:-1]}
    show("Write a step", {"median": medians}, names, "ms")
    show("Size", {"of raw": {s.name: s.size() / raw for s in stores}}, names, "ratio")
    reads = read_all(stores, first, steps)
    show("Read", reads, names, "ms")
    compared = engines(packed.folder / "run.zarr", first, steps)
    show("Read the packed form", compared, list(next(iter(compared.values()))), "ms")
    opened = open_long(folder, long)
    print(
        f"\nOpen: 100 steps {opened['ms 100']:.2f} ms, {long} steps {opened[f'ms {long}']:.2f} ms; "
        f"peak {opened['bytes 100'] / 1e3:.0f} kB, {opened[f'bytes {long}'] / 1e3:.0f} kB"
    )
    print("\nTargets")
    npz = Npz.name

    def worst(store: str, word: str) -> float:
        return max(each[store] / each[npz] for name, each in reads.items() if word in name)

    figures = [
        target("write a step, live / npz", medians["live"] / medians[npz], 0.8),
        target("write a step, live / zarr-python", medians["live"] / medians["zarr-python"], 0.125),
        target("frame, live / npz", worst("live", "frame"), 0.2),
        target("frame, packed / npz", worst("packed", "frame"), 1.5),
        target("one element over all steps, live / npz", worst("live", "one"), 0.01),
        target("one element over all steps, packed / npz", worst("packed", "one"), 0.01),
        target("packed with history / raw", packed.share, 0.95),
        target("packed frames / raw", packed.frames_share, 0.55),
        target(f"open {long} steps / 100, time", opened[f"ms {long}"] / opened["ms 100"], 1.2),
        target(f"open {long} / 100, memory", opened[f"bytes {long}"] / opened["bytes 100"], 1.2),
    ]
    if target_file is not None:
        content = {"write": medians, "read": reads, "engines": compared, "targets": figures}
        target_file.write_text(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
