"""Why there is no picture.

Whether there is a card, and what is on it, goes by this rule:

1. What is a matter of the run's kind or the layer's, so that no other recording of this network
   would change it: no card. `View.applies` and `View.serves` say no, or `View.requirement` gives
   `Unfit`: a network that is no classifier, probes that are no texts, a layer without units.
2. What another recording would have: no card either, but the part of the page says it once for
   all cards that lack the same, with the remedy. `View.requirement` gives `Lack`: an activation
   that was not recorded, no labels, one recorded step.
3. What another choice would have, and what was looked for and is not there: a card with a sentence
   in place of the picture. `View.requirement` or `View.compute` give `Nothing`: a probe without
   words, no dead unit at any step. Never a table without rows, an empty plot, or a field of one
   colour; what is so at one step only is said by the widget.
"""

from __future__ import annotations

# Remedies.
DENSER = "Record at a denser schedule."
RECORD_LAYERS = "The recorder's arguments layers and activations say what is recorded."
RECORD_WEIGHTS = "The recorder's argument weights says what is recorded."
MORE_PROBES = "Record with more probes of each class, see Probe.pick."
MORE_EXAMPLES = 'Record with evaluation=Evaluation(x, y, role="train"), of hundreds of examples.'
RECORD_UPDATES = "A recorder measures them beside weights, unless updates=False."
GIVE_LABELS = "Record with a probe that has labels."
SAME_PROBE = "This needs probes that both runs have. Record both with the same probe."
GIVE_PROBE = "No activation was recorded. Give the recorder a probe."
GIVE_PROBE_OF_PART = (
    "Of this part only the weights were recorded. Give the recorder a probe for it, such as "
    '{{"{part}": Probe(...)}}.'
)


class Absence(str):
    """Why there is no picture: a sentence."""

    __slots__ = ()


class Unfit(Absence):
    """The run or the layer is of another kind: there is no card."""

    __slots__ = ()


class Lack(Absence):
    """Another recording would have it, and how: there is no card, and it is said once for all."""

    __slots__ = ()


class Nothing(Absence):
    """Nothing is there to be seen, or another choice is needed: the card says so."""

    __slots__ = ()
