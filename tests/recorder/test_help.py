"""`help` and Tab teach the recorder: each argument with its type, its default and its cost."""

from __future__ import annotations

import inspect
import pydoc
import re

import pytest

import recorder
from recorder import LoopRecorder, Recorder, estimate


def test_every_argument_is_spelled_out() -> None:
    for function in (LoopRecorder, Recorder, estimate):
        kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds
        assert inspect.Parameter.VAR_POSITIONAL not in kinds


@pytest.mark.parametrize("cls", [LoopRecorder, Recorder])
def test_help_explains_every_argument(cls: type) -> None:
    text = re.sub(r"^ \|  ?", "", pydoc.plain(pydoc.render_doc(cls)), flags=re.MULTILINE)
    parameters = inspect.signature(cls).parameters
    explained = text[text.index("Parameters\n") : text.index("Raises\n")]
    entries = re.findall(r"^ *((?:\w+, )*\w+) : .+\n((?: {8,}.+\n)+)", explained, re.MULTILINE)
    sentences = {name: body for names, body in entries for name in names.split(", ")}
    assert sentences.keys() == parameters.keys()
    for name, parameter in parameters.items():
        if parameter.default is not inspect.Parameter.empty and name != "model":
            assert "y default" in sentences[name], f"{name} does not say its default"
    assert "RunExistsError" in text
    assert "recorder.record(step, loss=loss)" in text


def test_tab_offers_what_is_public() -> None:
    assert dir(recorder) == sorted(recorder.__all__)
    errors = {name for name in recorder.__all__ if name.endswith("Error")}
    for name in errors:
        assert issubclass(getattr(recorder, name), recorder.TrainlapseError)
    assert {"RunExistsError", "SpecError", "LayerNotFoundError"} <= errors
