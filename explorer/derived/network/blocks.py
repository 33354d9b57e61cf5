"""The blocks of a network: parts that it repeats, found from what leads where and from names.

A block begins where the network forks and ends where all branches have met again: between a layer
and its immediate post-dominator (Lengauer & Tarjan 1979; on a graph without cycles one pass against
the order is enough: Cooper, Harvey & Kennedy 2001). What the branches meet in says what kind of
block it is. Names say what belongs to it besides, and which stretches without a fork are built like
the blocks. What happens once is no block: a network that repeats nothing is shown as it is.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["residual", "inception", "dense", "transformer", "gated", "chain", "nested"]

JOINING = frozenset({"Concatenate"})
GATING = frozenset({"Multiply", "Dot"})
ADDING = frozenset({"Add", "Average", "Maximum", "Minimum", "Subtract"})
ACTIVATIONS = frozenset({"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU"})
# A branch of these alone hands on what the block takes, cut to fit.
HANDING_ON = frozenset(
    {"Cropping1D", "Cropping2D", "Cropping3D", "Dropout", "Identity"}
    | {"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"}
)
BETWEEN_RESIDUALS = frozenset({"Dropout", "Identity"})
# So many are a repetition.
FEWEST = 2
# Begins the names of nodes that are no layers. No layer's name has it.
NO_LAYER = "\0"
# What is added up in no layer, and what comes from elsewhere.
SUM = NO_LAYER + "+"
FROM = NO_LAYER + "<"
# A part of a name that ends in a number, as "block2b".
_NUMBERED = re.compile(r"\d+[a-z]?$")


@dataclass(frozen=True, slots=True)
class Block:
    """Layers that belong together.

    Attributes
    ----------
    name : str
        What the names of its layers have in common, else its kind and number.
    kind : str
        "residual": its branches are added, "inception": joined, "dense": what it takes is joined to
        what it makes of it, "transformer": a residual around attention and the one behind it,
        "gated": one branch is multiplied by another, "chain": without branches, named like other
        blocks, "nested": a model or layer made of layers.
    layers : tuple of str
        In network order. Contracted to one, they leave the network without a cycle.
    blocks : tuple of Block
        Blocks within.
    """

    name: str
    kind: Kind
    layers: tuple[str, ...]
    blocks: tuple[Block, ...] = ()


def find_blocks(
    classes: Mapping[str, str],
    inbound: Mapping[str, Sequence[str]],
    operated: Iterable[str] = (),
) -> tuple[Block, ...]:
    """Find the blocks of a network.

    Parameters
    ----------
    classes : mapping of str to str
        Keras class of each layer, in network order. Points in a name part it from those of the
        models and layers that the layer lies in.
    inbound : mapping of str to sequence of str
        Layers that each takes: those before it.
    operated : iterable of str
        Layers that take those not as they are, but what plain operations have made of them.

    Returns
    -------
    tuple of Block
        The outermost, in network order; they share no layer.

    Examples
    --------
    >>> inbound = {"x": [], "a": ["x"], "b": ["x", "a"], "c": ["b"], "d": ["b", "c"]}
    >>> classes = {"x": "InputLayer", "a": "Dense", "b": "Add", "c": "Dense", "d": "Add"}
    >>> [block.layers for block in find_blocks(classes, inbound)]
    [('a', 'b'), ('c', 'd')]
    """
    network = _Network(classes, inbound, frozenset(operated))
    return _blocks_of(_Level.of(network, tuple(classes), ""))


def contracted(
    inbound: Mapping[str, Sequence[str]], owners: Mapping[str, str]
) -> dict[str, list[str]] | None:
    """Take what has one owner for one: what each takes, in network order; None: in a circle.

    Parameters
    ----------
    inbound : mapping of str to sequence of str
        What each takes; what is not among them does not count.
    owners : mapping of str to str
        Owner of each; what is not among them is its own.
    """
    taken: dict[str, dict[str, None]] = {}
    for name, sources in inbound.items():
        own = owners.get(name, name)
        into = taken.setdefault(own, {})
        for source in sources:
            other = owners.get(source, source)
            if source in inbound and other != own:
                into[other] = None
    places = {name: at for at, name in enumerate(taken)}
    followers: dict[str, list[str]] = {name: [] for name in taken}
    for name, others in taken.items():
        for other in others:
            followers[other].append(name)
    missing = {name: len(others) for name, others in taken.items()}
    ready = [places[name] for name, count in missing.items() if not count]
    heapq.heapify(ready)
    names, ordered = [*taken], {}
    while ready:
        name = names[heapq.heappop(ready)]
        ordered[name] = [*taken[name]]
        for follower in followers[name]:
            missing[follower] -= 1
            if not missing[follower]:
                heapq.heappush(ready, places[follower])
    return ordered if len(ordered) == len(taken) else None


@dataclass(frozen=True, slots=True)
class _Network:
    """What `find_blocks` is given."""

    classes: Mapping[str, str]
    inbound: Mapping[str, Sequence[str]]
    operated: frozenset[str]

    def within(self, layers: Iterable[str]) -> dict[str, list[str]]:
        """Give what each of some layers takes, with a node for each one that is not among them."""
        own = dict.fromkeys(layers)
        taken = {
            name: [other if other in own else FROM + other for other in self.inbound[name]]
            for name in own
        }
        outside = [one for others in taken.values() for one in others if one.startswith(FROM)]
        return {**{one: [] for one in outside}, **taken}

    def with_sums(self, layers: Iterable[str]) -> dict[str, list[str]]:
        """Give the same, with a node of its own for what is added up in no layer.

        A layer that takes several by operations takes a sum of them; where those of another one
        are among them, the sum goes on from that one's. So are the residuals of ``x = x + y``.
        """
        own = self.within(layers)
        several = {
            name: frozenset(others)
            for name, others in own.items()
            if name in self.operated
            and len({*others}) > 1
            and self.classes[name] not in JOINING | GATING | ADDING
        }
        sums = sorted({*several.values()}, key=lambda one: (len(one), sorted(one)))
        made: dict[str, list[str]] = {}
        names: dict[frozenset[str], str] = {}
        for taken in sums:
            begun = max((one for one in names if one < taken), key=len, default=frozenset())
            names[taken] = f"{SUM}{len(names)}"
            made[names[taken]] = [*sorted(taken - begun), *([names[begun]] if begun else [])]
        return {
            **{name: [names[several[name]]] if name in several else own[name] for name in own},
            **made,
        }


@dataclass(frozen=True, slots=True)
class _Level:
    """What lies in one model: layers, and models within, each taken for one.

    Sets of these are whole numbers, a bit for each.
    """

    order: Mapping[str, int]  # of layers in the network
    names: Sequence[str]  # so that each follows what it takes
    taken: Sequence[Sequence[int]]
    followers: Sequence[Sequence[int]]
    below: Sequence[int]  # what depends on each
    above: Sequence[int]  # what each depends on
    classes: Sequence[str]
    attends: Sequence[bool]  # whether it has attention in it
    nested: Mapping[str, Block]
    layers: Mapping[str, Sequence[str]]  # of each

    @classmethod
    def of(cls, network: _Network, layers: Sequence[str], scope: str) -> _Level:
        nested = _nested(network, layers, scope)
        owners = {layer: name for name, block in nested.items() for layer in block.layers}
        items = contracted(network.with_sums(layers), owners)
        if items is None:  # what is added up begins in a model and ends behind it
            items = contracted(network.within(layers), owners)
        assert items is not None
        names = [*items]
        places = {name: at for at, name in enumerate(names)}
        taken = [[places[other] for other in items[name]] for name in names]
        followers: list[list[int]] = [[] for _ in names]
        above = [0] * len(names)
        for at, others in enumerate(taken):
            for other in others:
                followers[other].append(at)
                above[at] |= above[other] | 1 << other
        below = [0] * len(names)
        for at in reversed(range(len(names))):
            for other in followers[at]:
                below[at] |= below[other] | 1 << other
        held = {name: _held(name, nested) for name in names}
        classes = network.classes
        return cls(
            {name: at for at, name in enumerate(classes)},
            names,
            taken,
            followers,
            below,
            above,
            [_class_of(name, nested, classes) for name in names],
            [any(classes[one].endswith("Attention") for one in held[name]) for name in names],
            nested,
            held,
        )

    def hull(self, items: int) -> int:
        """Add all that lies on a way from one of these to another."""
        below = above = 0
        for at in bits(items):
            below |= self.below[at]
            above |= self.above[at]
        return items | (below & above)

    def is_whole(self, items: int) -> bool:
        """Whether these hang together."""
        first = items & -items
        found, waiting = first, [first.bit_length() - 1]
        while waiting:
            at = waiting.pop()
            for other in (*self.taken[at], *self.followers[at]):
                if items >> other & 1 and not found >> other & 1:
                    found |= 1 << other
                    waiting.append(other)
        return found == items

    def is_most(self, items: int) -> bool:
        """Whether these are more than half of all."""
        return 2 * items.bit_count() > len(self.names)

    def layers_in(self, items: int) -> tuple[str, ...]:
        """Give the layers of some items, in network order."""
        layers = (layer for at in bits(items) for layer in self.layers[self.names[at]])
        return tuple(sorted(layers, key=self.order.__getitem__))


@dataclass(frozen=True, slots=True)
class _Region:
    """All between a fork and where its branches have met, with the latter."""

    fork: int
    merge: int
    items: int
    kind: Kind
    name: str = ""
    parts: tuple[_Region, ...] = ()


def bits(items: int) -> Iterator[int]:
    """Give the places of the bits that are set, from the lowest."""
    while items:
        lowest = items & -items
        yield lowest.bit_length() - 1
        items ^= lowest


def _class_of(name: str, nested: Mapping[str, Block], classes: Mapping[str, str]) -> str:
    if name.startswith(NO_LAYER):
        return "Add" if name.startswith(SUM) else ""
    return "" if name in nested else classes[name]


def _held(name: str, nested: Mapping[str, Block]) -> tuple[str, ...]:
    if name.startswith(NO_LAYER):
        return ()
    return nested[name].layers if name in nested else (name,)


def _nested(network: _Network, layers: Sequence[str], scope: str) -> dict[str, Block]:
    """Find models and layers made of layers, as blocks by the way to them."""
    members: dict[str, list[str]] = {}
    for name in layers:
        head, point, _ = name.removeprefix(scope).partition(".")
        if point:
            members.setdefault(scope + head, []).append(name)
    for name in layers:
        if name in members:  # what it gives itself
            members[name].append(name)
    order = {name: at for at, name in enumerate(layers)}
    own = network.within(layers)
    found: dict[str, Block] = {}
    owners: dict[str, str] = {}
    for name, inner in members.items():
        tried = owners | dict.fromkeys(inner, name)
        if not FEWEST <= len(inner) < len(layers) or contracted(own, tried) is None:
            continue
        owners = tried
        inner.sort(key=order.__getitem__)
        level = _Level.of(network, inner, f"{name}.")
        blocks = _blocks_of(level)
        regions = _joined(level, [*_regions(level)])
        is_one = not blocks and len(regions) == 1 and level.is_most(regions[0].items)
        found[name] = Block(name, regions[0].kind if is_one else "nested", tuple(inner), blocks)
    return found


def _blocks_of(level: _Level) -> tuple[Block, ...]:
    regions = [one for one in _joined(level, [*_regions(level)]) if not level.is_most(one.items)]
    regions = _named(level, regions)
    regions += _chains(level, regions)
    regions = [_with_activation(level, one, regions) for one in regions]
    regions = _contractible(level, regions)
    if sum(max(1, len(one.parts)) for one in regions) < FEWEST:
        regions = []
    taken = 0
    for region in regions:
        taken |= region.items
    alone = [block for at, name in enumerate(level.names)
             if not taken >> at & 1 and (block := level.nested.get(name))]  # fmt: skip
    regions.sort(key=lambda one: one.items & -one.items)
    made = [*alone, *_numbered(level, regions)]
    return tuple(sorted(made, key=lambda block: level.order[block.layers[0]]))


def _contractible(level: _Level, regions: Iterable[_Region]) -> list[_Region]:
    """Leave out what would put the network in a circle; names may say anything."""
    inbound = {str(at): [*map(str, others)] for at, others in enumerate(level.taken)}
    owners: dict[str, str] = {}
    kept = []
    for number, region in enumerate(regions):
        tried = owners | {str(at): f"#{number}" for at in bits(region.items)}
        if contracted(inbound, tried) is not None:
            owners = tried
            kept.append(region)
    return kept


# -- from what leads where ------------------------------------------------------------------------


def _regions(level: _Level) -> Iterator[_Region]:
    """Find the outermost regions that are blocks; none lies in another."""
    ends = _post_dominators(level)
    of_merge: dict[int, _Region] = {}
    for fork in range(len(level.names)):
        merge = ends[fork]
        if len(level.followers[fork]) < 2 or merge == len(level.names):
            continue
        items = level.below[fork] & level.above[merge] | 1 << merge
        kind = _kind(level, fork, merge)
        if kind is None or not _has_one_way_in(level, fork, items):
            continue
        # A fork within a branch that ends in the same merge begins no block of its own.
        if merge not in of_merge:
            of_merge[merge] = _Region(fork, merge, items, kind)
    found = sorted(of_merge.values(), key=lambda one: -one.items.bit_count())
    seen = 0
    for region in found:
        if region.items & seen == region.items:
            continue
        others = [other for other in found if other is not region and other.kind != "gated"]
        within = [other for other in others if not other.items & ~region.items]
        if not _is_long_way(region, within):
            seen |= region.items
            yield region


def _post_dominators(level: _Level) -> list[int]:
    """Where all ways from each item meet first; the number of items: not before the end."""
    end = len(level.names)
    found = [end] * (end + 1)
    for at in reversed(range(end)):
        meeting, *others = level.followers[at] or [end]
        for other in others:
            while meeting != other:
                if meeting < other:
                    meeting = found[meeting]
                else:
                    other = found[other]
        found[at] = meeting
    return found


def _kind(level: _Level, fork: int, merge: int) -> Kind | None:
    """Say what branches that meet so make; None: no block."""
    name = level.classes[merge]
    if len(level.taken[merge]) < 2 or level.attends[merge]:
        return None
    is_handed_on = any(_hands_on(level, fork, at) for at in level.taken[merge])
    if name in JOINING:
        return "dense" if is_handed_on else "inception"
    if name in GATING:
        return "gated"
    return "residual" if name in ADDING or is_handed_on else None


def _hands_on(level: _Level, fork: int, at: int) -> bool:
    """Whether an item gives what the fork gives, cut to fit at most."""
    while at != fork and level.classes[at] in HANDING_ON and len(level.taken[at]) == 1:
        (at,) = level.taken[at]
    return at == fork


def _has_one_way_in(level: _Level, fork: int, items: int) -> bool:
    """Whether all comes from the fork; a decoder's attention may look at what lies elsewhere."""
    return all(
        items >> other & 1 or other == fork
        for at in bits(items)
        if not level.attends[at]
        for other in level.taken[at]
    )


def _is_long_way(region: _Region, within: Sequence[_Region]) -> bool:
    """Whether a branch is the way around a large part of the network, as a U-Net has them."""
    if region.kind in ("dense", "gated"):
        return bool(within)
    return region.kind == "residual" and len(within) > 1


# -- what belongs together ------------------------------------------------------------------------


def _joined(level: _Level, regions: list[_Region]) -> list[_Region]:
    """Join the layers of a dense block, and the two residuals of a transformer block."""
    by_fork = {region.fork: region for region in regions}
    found: list[_Region] = []
    used: set[int] = set()
    for region in sorted(regions, key=lambda one: one.merge):
        if region.merge in used:
            continue
        if region.kind == "dense":
            parts = [region]
            while (after := by_fork.get(parts[-1].merge)) and after.kind == "dense":
                parts.append(after)
            used |= {part.merge for part in parts}
            if len(parts) >= FEWEST or _joins(level, region) >= FEWEST:
                found.append(_run(parts))
        elif region.kind == "residual" and _attends(level, region):
            joined = _transformer(level, region, by_fork)
            used |= {part.merge for part in joined.parts}
            found.append(replace(joined, parts=()))
        else:
            found.append(region)
    return found


def _joins(level: _Level, region: _Region) -> int:
    return sum(level.classes[at] in JOINING for at in bits(region.items))


def _attends(level: _Level, region: _Region) -> bool:
    return any(level.attends[at] for at in bits(region.items))


def _run(parts: Sequence[_Region]) -> _Region:
    items = 0
    for part in parts:
        items |= part.items
    inner = tuple(parts) if len(parts) > 1 else ()
    return replace(parts[0], merge=parts[-1].merge, items=items, parts=inner)


def _transformer(level: _Level, region: _Region, by_fork: Mapping[int, _Region]) -> _Region:
    """Join a residual around attention with those behind it, up to the one without attention."""
    parts, items, at = [region], region.items, region.merge
    normalizes = False
    while True:
        # Between the two there may be a normalization (Vaswani et al. 2017), or none (GPT-2).
        between = 0
        while at not in by_fork and len(level.followers[at]) == 1:
            (after,) = level.followers[at]
            is_normalization = level.classes[after].endswith("Normalization")
            if not (is_normalization or level.classes[after] in BETWEEN_RESIDUALS):
                break
            normalizes |= is_normalization
            between |= 1 << after
            at = after
        following = by_fork.get(at)
        if following is None or following.kind != "residual":
            return replace(region, items=items, kind="transformer", parts=tuple(parts))
        parts.append(following)
        items |= between | following.items
        at = following.merge
        if not _attends(level, following):
            break
    if normalizes and len(level.followers[at]) == 1:
        (after,) = level.followers[at]
        if level.classes[after].endswith("Normalization"):
            items |= 1 << after
            at = after
    return replace(region, merge=at, items=items, kind="transformer", parts=tuple(parts))


def _with_activation(level: _Level, region: _Region, others: Sequence[_Region]) -> _Region:
    """Take in the activation function of what the branches are merged into."""
    followers = level.followers[region.merge]
    if region.kind in ("dense", "chain") or len(followers) != 1:
        return region
    after = followers[0]
    is_free = not any(other.items >> after & 1 for other in others)
    if is_free and level.classes[after] in ACTIVATIONS:
        return replace(region, items=region.items | 1 << after)
    return region


# -- from names -----------------------------------------------------------------------------------


def _is_given(name: str, class_name: str) -> bool:
    """Whether somebody gave a layer its name: Keras's own is made of the class."""
    if name.startswith(NO_LAYER):
        return False
    own = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    own = re.sub("([a-z])([A-Z])", r"\1_\2", own).lower()
    return re.fullmatch(rf"{re.escape(own)}(_\d+)?", name) is None


def _prefixes(name: str, class_name: str) -> list[str]:
    """Beginnings of a name that end in a number, with more than a number behind them."""
    if not _is_given(name, class_name):
        return []
    words = name.split("_")
    return [
        "_".join(words[:count])
        for count in range(1, len(words))
        if _NUMBERED.search(words[count - 1]) and not "".join(words[count:]).isdecimal()
    ]


def _groups(level: _Level) -> dict[str, int]:
    """Items by the beginnings of their names."""
    found: dict[str, int] = {}
    for at, name in enumerate(level.names):
        for prefix in _prefixes(name.rpartition(".")[2], level.classes[at]):
            found[prefix] = found.get(prefix, 0) | 1 << at
    return found


def _named(level: _Level, regions: list[_Region]) -> list[_Region]:
    """Take in what is named like what is in a region, and name it so."""
    groups = _groups(level)
    found = list(regions)
    for place, region in enumerate(regions):
        others = 0
        for other in (*found[:place], *found[place + 1 :]):
            others |= other.items
        best: tuple[int, str] = (0, "")
        for prefix, items in groups.items():
            whole = level.hull(items | region.items)
            if (
                items & region.items
                and not whole & others
                and not level.is_most(whole)
                and level.is_whole(whole)
                and items.bit_count() > best[0].bit_count()
            ):
                best = (items, prefix)
        if best[1]:
            found[place] = replace(region, items=level.hull(best[0] | region.items), name=best[1])
    return found


def _pattern(prefix: str) -> str:
    return "_".join(_NUMBERED.sub("#", word) for word in prefix.split("_"))


def _chains(level: _Level, regions: Sequence[_Region]) -> list[_Region]:
    """Find stretches that are named like the blocks, but do not fork."""
    patterns = {_pattern(region.name) for region in regions if region.name}
    taken = 0
    for region in regions:
        taken |= region.items
    found = []
    for prefix, items in _groups(level).items():
        whole = level.hull(items)
        if (
            _pattern(prefix) in patterns
            and items.bit_count() > 1
            and not whole & taken
            and level.is_whole(whole)
        ):
            taken |= whole
            last = whole.bit_length() - 1
            found.append(_Region(last, last, whole, "chain", prefix))
    return found


def _numbered(level: _Level, regions: Iterable[_Region]) -> list[Block]:
    """Make blocks of regions in network order, each with a name of its own."""
    found: list[Block] = []
    names: set[str] = set()
    counts: dict[str, int] = {}
    for region in regions:
        counts[region.kind] = number = counts.get(region.kind, 0) + 1
        name = region.name or _common(level, region) or f"{region.kind} {number}"
        if name in names:
            name = f"{name} ({number})"
        names.add(name)
        inner = _numbered(level, _named(level, list(region.parts)))
        nested = [level.nested[one] for at in bits(region.items)
                  if (one := level.names[at]) in level.nested]  # fmt: skip
        blocks = tuple(inner or nested)
        found.append(Block(name, region.kind, level.layers_in(region.items), blocks))
    return found


def _common(level: _Level, region: _Region) -> str:
    """Give what the names in a region have in common, else the name of what it ends in."""
    given = [
        level.names[at].rpartition(".")[2]
        for at in bits(region.items)
        if _is_given(level.names[at].rpartition(".")[2], level.classes[at])
    ]
    words = [name.split("_") for name in given]
    shared = []
    for together in zip(*words, strict=False) if len(words) > 1 else ():
        if len({*together}) > 1:
            break
        shared.append(together[0])
    last = level.names[region.merge].rpartition(".")[2]
    return "_".join(shared) or (last if last in given else "")
