"""Messages that Panel has queued for a browser are all sent."""

from __future__ import annotations

from typing import Any

from bokeh.document import Document
from panel.io import document as panel_document


def send_all_that_is_queued() -> None:
    """Cure a fault of Panel (seen in 1.9.4) for all sessions of this process; twice is like once.

    What is sent while the socket is being written is queued, with a task that sends the queue. A
    task that ends takes away the mark that there is something to send; one for a message that was
    queued while the first still wrote then gives up, and the message waits for the session's next.
    Without a next one a picture never comes.
    """
    dispatch = getattr(panel_document, "_dispatch_msgs", None)
    if dispatch is None or getattr(dispatch, "sends_all", False):
        return

    async def dispatch_all(doc: Document) -> None:
        await dispatch(doc)
        if doc in panel_document._WRITE_MSGS and doc not in panel_document._WRITE_BLOCK:
            panel_document._WRITE_BLOCK[doc] = True
            panel_document._dispatch_write_task(doc, dispatch_all, doc)

    marked: Any = dispatch_all
    marked.sends_all = True
    panel_document._dispatch_msgs = marked
