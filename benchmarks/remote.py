"""Measure reading over a network: requests and milliseconds at 30 ms a request, and from S3.

A packed run, its zip and the live run it was made from are served on the loopback interface with
a delay; S3 is moto's server, read through obstore and through s3fs.

    python benchmarks/remote.py --latency 30
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import synthetic_run
import urllib3

from store import Run, open_run
from store.packed.pack import pack
from store.testing.http import served
from store.tools.share import share

MOST_REQUESTS = 8
MOST_MS = 400
ROUNDS = 5


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds and result."""
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1e3, result


def questions(near: Run) -> list[tuple[str, Callable[[Run], Any]]]:
    """List what is asked of a run that was just opened, in this order."""
    paths = [
        path
        for path, node in near.nodes.items()
        if path.startswith("layers/") and node["node_type"] == "array"
    ]
    activations = [path for path in paths if path.endswith("/activation")]
    largest = max(activations, key=lambda path: math.prod(near.nodes[path]["shape"]))
    middle = len(near) // 2
    unit = (slice(None), 3, *(0 for _ in near.nodes[largest]["shape"][2:]))
    return [
        ("first frame, with its steps", lambda run: (run.steps, run.read(largest, (middle,)))),
        ("next frame", lambda run: run.read(largest, (middle + 1,))),
        ("history of one unit", lambda run: run.read(largest, unit)),
        ("a frame of every array", lambda run: run.read_many((p, (middle,)) for p in paths)),
        ("metrics", lambda run: run.metrics),
    ]


def over_http(folder: Path, names: list[str], latency: float) -> bool:
    """Print requests and medians for each way to store a run; True if the target is reached."""
    reached = True
    with served(folder, latency=latency / 1e3) as place:
        for name in names:
            asked = questions(open_run(folder / name))
            times: dict[str, list[float]] = {}
            counts: dict[str, int] = {}
            for _ in range(ROUNDS):
                place.requests.clear()
                spent, run = timed(partial(open_run, f"{place.url}/{name}"))
                times.setdefault("open", []).append(spent)
                counts["open"] = len(place.requests)
                for what, ask in asked:
                    place.requests.clear()
                    times.setdefault(what, []).append(timed(partial(ask, run))[0])
                    counts[what] = len(place.requests)
            print(f"\n{name} over HTTP, {latency:g} ms a request")
            for what, each in times.items():
                print(f"  {what:<30} {counts[what]:4d} requests {statistics.median(each):8.0f} ms")
            first = "first frame, with its steps"
            requests = counts["open"] + counts[first]
            spent = statistics.median(map(sum, zip(times["open"], times[first], strict=True)))
            good = requests <= MOST_REQUESTS and spent <= MOST_MS
            reached = reached and (good or "live" in name)
            verdict = "reached" if good else "MISSED"
            print(f"  {verdict}: open and first frame, {requests} requests, {spent:.0f} ms")
            print(f"           (at most {MOST_REQUESTS} requests, {MOST_MS} ms)")
    return reached


def over_s3(folder: Path, name: str) -> None:
    """Read single objects from moto's S3 through obstore and s3fs: what the choice rests on."""
    import obstore
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
        os.environ.update({"AWS_ENDPOINT_URL": endpoint, **keys})
        urllib3.request("PUT", f"{endpoint}/runs")
        bucket = obstore.store.from_url("s3://runs", client_options={"allow_http": True})
        for file in (folder / name).rglob("*"):
            if file.is_file():
                obstore.put(bucket, file.relative_to(folder).as_posix(), file)
        print("\nS3 (moto), no added delay")
        for what, ask in questions(open_run(folder / name)):
            spent = [timed(lambda: ask(open_run(f"s3://runs/{name}")))[0] for _ in range(ROUNDS)]  # noqa: B023
            print(f"  open, {what:<40} {statistics.median(spent):8.0f} ms")
        key = f"{name}/zarr.json"
        spent = [timed(lambda: obstore.get(bucket, key).bytes())[0] for _ in range(40)]
        print(f"  one object through obstore {statistics.median(spent):8.2f} ms")
        with suppress(ImportError):
            import s3fs

            files = s3fs.S3FileSystem(endpoint_url=endpoint, key="x", secret="x")  # noqa: S106
            spent = [timed(lambda: files.cat_file(f"runs/{key}"))[0] for _ in range(40)]
            print(f"  one object through s3fs    {statistics.median(spent):8.2f} ms")
    finally:
        server.stop()


def main() -> None:
    """Measure and print; exit code 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=64, help="steps recorded (default: 64)")
    parser.add_argument("--latency", type=float, default=30, help="milliseconds a request (30)")
    parser.add_argument("--run", type=Path, help="use this recorded run")
    parser.add_argument("--no-s3", action="store_true", help="leave out S3")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trainlapse-benchmark-"))
    try:
        if options.run:
            shutil.copytree(options.run, folder / "live.zarr")
        else:
            synthetic_run.record(folder / "live.zarr", options.steps)
        pack(folder / "live.zarr", folder / "packed.zarr")
        share(folder / "packed.zarr", folder / "packed.zip")
        reached = over_http(folder, ["packed.zarr", "packed.zip", "live.zarr"], options.latency)
        if not options.no_s3:
            over_s3(folder, "packed.zarr")
    finally:
        shutil.rmtree(folder)
    raise SystemExit(0 if reached else 1)


if __name__ == "__main__":
    main()
