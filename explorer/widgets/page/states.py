"""State of a place on the page: it shows a picture, computes one, or says why there is none."""

from __future__ import annotations

import param

from explorer.widgets.base import Widget

CONTENT, NOTHING, FAULT = "content", "nothing", "fault"
UNSEEN, COMPUTING, RENEWING = "unseen", "computing", "renewing"
STOPPED = "stopped"
# Value of `share` if the progress is not known.
UNKNOWN = -1.0


class States(Widget):
    """State of the place on the page that belongs to this component.

    ``content``: it shows a picture. ``computing``: a picture is being computed; the one of another
    selection may be on screen, dimmed. ``renewing``: a picture is being computed; the one of an
    earlier reading of the run is on screen, not dimmed. ``nothing``, ``fault``: a sentence says why
    there is no picture. ``stopped``: a sentence says why it was not computed to its end.
    ``unseen``: nothing is computed before the place is on screen.

    The browser offers to cancel what is being computed, and to compute again what was stopped.
    """

    state: param.Selector[str] = param.Selector(
        default=CONTENT,
        objects=[CONTENT, NOTHING, FAULT, UNSEEN, COMPUTING, RENEWING, STOPPED],
        doc="What is shown.",
    )
    said = param.String(default="", doc="Why there is no picture, in a sentence.")
    share = param.Number(
        default=UNKNOWN, bounds=(UNKNOWN, 1.0), doc="How much has been computed; below 0: unknown."
    )

    cancels = param.Integer(default=0, doc="Number of times the browser has asked to cancel.")
    retries = param.Integer(default=0, doc="Number of times it has asked to compute again.")

    @property
    def busy(self) -> bool:
        """Whether a picture is being computed."""
        return self.state in (COMPUTING, RENEWING)

    def begin(self, *, renewing: bool = False) -> None:
        """Set the state: a picture is being computed."""
        self.param.update(state=RENEWING if renewing else COMPUTING, share=UNKNOWN)

    def content(self, **changes: str) -> None:
        """Set the state: the picture is on screen."""
        self.param.update(state=CONTENT, said="", **changes)

    def nothing(self, sentence: str, **changes: str) -> None:
        """Set the state: there is no picture, for a reason given in a sentence."""
        self.param.update(state=NOTHING, said=str(sentence), **changes)

    def fault(self, sentence: str, **changes: str) -> None:
        """Set the state: there is no picture because of an error, given in a sentence."""
        self.param.update(state=FAULT, said=str(sentence), **changes)

    def stopped(self, sentence: str, **changes: str) -> None:
        """Set the state: the picture was not computed to its end, for a reason in a sentence."""
        self.param.update(state=STOPPED, said=str(sentence), **changes)
