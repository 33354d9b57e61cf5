"""What a place on the page shows: a picture, that one is being computed, or why there is none."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget

CONTENT, NOTHING, FAULT = "content", "nothing", "fault"
UNSEEN, COMPUTING, RENEWING = "unseen", "computing", "renewing"
# In place of the share that is done: it is not known.
UNKNOWN = -1.0


class States(Widget):
    """Tells apart what the place beside it, or below it, shows.

    ``content``: a picture. ``computing``: that of another selection still, dimmed; or none yet.
    ``renewing``: that of an earlier reading of the run, which is as good as a picture. ``nothing``
    and ``fault``: none, and a sentence. ``unseen``: nothing is computed until somebody looks.
    """

    state: param.Selector[str] = param.Selector(
        default=CONTENT,
        objects=[CONTENT, NOTHING, FAULT, UNSEEN, COMPUTING, RENEWING],
        doc="What is shown.",
    )
    said = param.String(default="", doc="Why there is no picture, in a sentence.")
    share = param.Number(
        default=UNKNOWN, bounds=(UNKNOWN, 1.0), doc="How much has been computed; below 0: unknown."
    )

    @property
    def busy(self) -> bool:
        """Whether a picture is being computed."""
        return self.state in (COMPUTING, RENEWING)

    def begin(self, *, renewing: bool = False) -> None:
        """Say that a picture is being computed."""
        self.param.update(state=RENEWING if renewing else COMPUTING, share=UNKNOWN)

    def content(self, **changes: str) -> None:
        """Say that a picture is there."""
        self.param.update(state=CONTENT, said="", **changes)

    def nothing(self, sentence: str, **changes: str) -> None:
        """Say that there is none, and why."""
        self.param.update(state=NOTHING, said=str(sentence), **changes)

    def fault(self, sentence: str, **changes: str) -> None:
        """Say that there is none, since something went wrong."""
        self.param.update(state=FAULT, said=str(sentence), **changes)
