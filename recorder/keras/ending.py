"""When the last callback of a fit has ended: others may change the weights after the recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def when_all_have_ended(callback: Any, then: Callable[[], None]) -> Callable[[], bool] | None:
    """Call a function when every callback of the present fit has heard of its end.

    Keras tells them one after the other, and none can ask to be the last. But ``fit`` itself puts
    one behind those of the user's, its ``History``, and gives it as ``model.history``: the function
    is called after that one's ``on_train_end``.

    Parameters
    ----------
    callback : keras.callbacks.Callback
        One of the fit's, when the training begins.
    then : callable
        What to call, once. It must not keep the callback alive.

    Returns
    -------
    callable or None
        Tells whether `then` is still to be called. None: nothing tells of the last callback here,
        as in a loop of one's own that calls callbacks.
    """
    history = getattr(callback.model, "history", None)
    # That of an earlier fit was given other parameters.
    if history is None or not callback.params or history.params is not callback.params:
        return None
    before = vars(history).get("on_train_end")  # another recorder listens as well
    waiting = True

    def heard(logs: Any = None) -> None:
        nonlocal waiting
        waiting = False
        vars(history).pop("on_train_end", None)
        if before is not None:
            history.on_train_end = before
        history.on_train_end(logs)
        then()

    history.on_train_end = heard
    return lambda: waiting
