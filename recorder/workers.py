"""Which of several processes this one is, where a launcher has started them to train together."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

# Where launchers write the number of each process, the most telling first: Horovod, Open MPI, MPICH
# and Intel MPI, torchrun and its like, SLURM.
RANKS = ("HOROVOD_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "RANK", "SLURM_PROCID")
TF_CONFIG = "TF_CONFIG"


@dataclass(frozen=True)
class Worker:
    """One process of a training.

    Attributes
    ----------
    number : int
        0 is the chief.
    told_by : str
        The environment variable that says so.
    """

    number: int
    told_by: str

    @property
    def is_chief(self) -> bool:
        """Whether it is the one that keeps what all have learned."""
        return self.number == 0


def this_worker(environment: Mapping[str, str] = os.environ) -> Worker:
    """Tell which process of a training this one is; alone, or where nothing says so, the chief.

    Parameters
    ----------
    environment : mapping of str to str
        By default that of this process. What is no number, or no JSON, says nothing.

    Examples
    --------
    >>> this_worker({"SLURM_PROCID": "3"})
    Worker(number=3, told_by='SLURM_PROCID')
    >>> this_worker({}).is_chief
    True
    """
    number = _of_tensorflow(environment.get(TF_CONFIG, ""))
    if number is not None:
        return Worker(number, TF_CONFIG)
    for name in RANKS:
        said = environment.get(name, "").strip()
        if said.isascii() and said.isdecimal():
            return Worker(int(said), name)
    return Worker(0, "")


def _of_tensorflow(config: str) -> int | None:
    """Read TensorFlow's description of a cluster: workers come after the chief, if there is one.

    Whoever serves parameters or evaluates comes after all workers: it trains nothing.
    """
    try:
        known = json.loads(config)
        cluster, task = known["cluster"], known["task"]
        kind, index = str(task["type"]), int(task["index"])
        chiefs = len(cluster.get("chief") or cluster.get("master") or ())
        workers = len(cluster.get("worker") or ())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if index < 0:
        return None
    before = {"chief": 0, "master": 0, "worker": chiefs}
    return index + before.get(kind, max(1, chiefs + workers))
