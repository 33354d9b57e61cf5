"""What every trial needs, loaded once by the process from which theirs are forked."""

from __future__ import annotations

import gc
from typing import get_args

import benchmarks.trainings.comparison
import benchmarks.trainings.pages
import recorder.keras.callback
from benchmarks.trainings.witness import Witness
from explorer.views.base import Region
from explorer.views.registry import views

LOADED = (benchmarks.trainings.comparison, benchmarks.trainings.pages, recorder.keras, Witness)
for region in get_args(Region):
    views(region)  # imports those of the region
gc.freeze()  # what is loaded is neither copied nor collected by any of them
