"""A film's process: followed to its end, and ended with all that it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.films import job as jobs
from explorer.films.job import FilmJob
from store.testing import image_run_spec, write_run

PATIENCE_S = 30
READ = "import json, pathlib, sys, time\nrequest = json.loads(sys.stdin.readline())\n"
WRITES = (
    READ
    + """
print("a library says something")
for done in range(3):
    print(json.dumps({"done": done, "count": 2}), flush=True)
pathlib.Path(request["out"]).write_bytes(request["run"].encode())
"""
)
# Half a film, then nothing more; it ends with its input, or not even then.
STOPS = (
    READ
    + """
import threading
from explorer.export.child import _exit_with_parent
out = pathlib.Path(request["out"])
out.with_name(".film.partial").write_bytes(b"half")
if request.get("obeys", True):
    threading.Thread(target=_exit_with_parent, args=(out.parent,), daemon=True).start()
print(json.dumps({"done": 1, "count": 2}), flush=True)
time.sleep(600)
"""
)
ASKER = """
import sys, time
from explorer.films.job import FilmJob
told = lambda done, count: print(job.process.pid, job.folder, flush=True)
job = FilmJob({}, "gif", told, lambda content, why: None, code=sys.argv[1])
time.sleep(600)
"""


class Heard:
    """What a job tells."""

    def __init__(self):
        self.progress, self.outcomes = [], []
        self.began, self.ended = threading.Event(), threading.Event()

    def told(self, done, count):
        self.progress.append((done, count))
        self.began.set()

    def end(self, content, why):
        self.outcomes.append((content, why))
        self.ended.set()

    def job(self, code, ending="gif", **request):
        return FilmJob(request, ending, self.told, self.end, code=code)


@pytest.fixture
def heard():
    return Heard()


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")  # one that nobody has waited for yet is there, and dead
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_film_comes_with_its_progress_and_leaves_nothing(heard):
    job = heard.job(WRITES, run="a run")
    assert heard.ended.wait(PATIENCE_S)
    assert heard.progress == [(0, 2), (1, 2), (2, 2)]
    assert heard.outcomes == [(b"a run", "")]
    assert job.process.returncode == 0
    assert not job.folder.exists()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ('print(json.dumps({"error": "There is no card."})); sys.exit(1)', "There is no card."),
        ('raise RuntimeError("no such glyph")', "RuntimeError: no such glyph"),
        ("sys.exit(3)", "its process ended with 3."),
        ("", "FileNotFoundError"),  # it ends well, and there is no film
    ],
)
def test_a_fault_is_a_sentence_and_in_the_log(heard, caplog, code, why):
    job = heard.job(READ + code)
    assert heard.ended.wait(PATIENCE_S)
    ((content, said),) = heard.outcomes
    assert content is None
    assert why in said
    assert said in caplog.text
    assert not job.folder.exists()


@pytest.mark.parametrize("obeys", [True, False])
def test_a_cancelled_film_ends_its_process_and_is_heard_of_no_more(heard, monkeypatch, obeys):
    monkeypatch.setattr(jobs, "GRACE_S", 0.2 if not obeys else PATIENCE_S)
    job = heard.job(STOPS, obeys=obeys)
    assert heard.began.wait(PATIENCE_S)
    assert (job.folder / ".film.partial").exists()
    job.cancel()
    job.cancel()
    assert job.wait(PATIENCE_S)
    assert job.process.returncode == (1 if obeys else -signal.SIGKILL)
    assert not job.folder.exists()
    assert (heard.progress, heard.outcomes) == ([(1, 2)], [])


def test_a_film_that_is_cancelled_at_once_does_not_begin(heard, caplog):
    job = heard.job(WRITES, run="a run")
    job.cancel()
    assert job.wait(PATIENCE_S)
    assert heard.outcomes == []
    assert not job.folder.exists()
    assert not caplog.records


def test_a_process_does_not_outlive_a_server_that_is_killed():
    asker = subprocess.Popen(
        [sys.executable, "-c", ASKER, STOPS], stdout=subprocess.PIPE, text=True
    )
    with asker:
        assert asker.stdout is not None
        pid, _, folder = asker.stdout.readline().strip().partition(" ")
        assert Path(folder).exists()
        asker.kill()
    wait_until(lambda: is_gone(int(pid)) and not Path(folder).exists())


@pytest.mark.slow
def test_the_process_runs_the_code_of_this_one_and_says_what_is_wrong(heard, tmp_path, monkeypatch):
    run = write_run(tmp_path / "run.zarr", image_run_spec())
    (tmp_path / "json.py").write_text("raise RuntimeError('not a library')")
    monkeypatch.chdir(tmp_path)
    job = heard.job(jobs.CHILD_CODE, run=str(run), card="Feture maps", fps=10)
    assert heard.ended.wait(PATIENCE_S)
    ((content, why),) = heard.outcomes
    assert content is None
    assert why.startswith("There is no card 'Feture maps'. Did you mean 'Feature maps'?")
    assert not job.folder.exists()
