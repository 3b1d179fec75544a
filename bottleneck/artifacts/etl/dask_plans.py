"""What Dask frames do before they are computed: which operations move rows between partitions, and what for."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...recording.facts import Site
from ...recording.facts.dask import DaskNode, DaskPlan, DaskReduction
from ...recording.model import Recording

#: Operations that move rows between partitions, unless these are divided that way already.
MOVERS = frozenset(("Merge", "SetIndex", "SortValues", "Shuffle", "RearrangeByColumn", "GroupByApply"))
ORDERS = frozenset(("SetIndex", "SortValues"))
#: Results that do not depend on the order of rows or on their index.
_UNORDERED = frozenset(
    "Sum Prod Mean Count Min Max Any All Len Size NBytes MemoryUsage Var Std Skew Kurtosis Moment NUnique Unique "
    "ValueCounts NLargest NSmallest Cov Corr GroupbyAggregation DropDuplicates".split()
)
_READS_INDEX = frozenset("Apply ResetIndex Index ToSeriesIndex ToFrameIndex RenameSeries ToTimestamp".split())
_AGGREGATIONS = frozenset("sum prod mean count min max any all size var std nunique sem cov corr".split())


@dataclass(frozen=True)
class Node:
    """An operation. ``reduces``: the function that a GroupByApply was given returns only reductions of columns."""

    name: str
    kind: str
    elemwise: bool
    needs: tuple[int, ...]
    site: Site | None
    reduces: bool
    details: dict[str, list[str]]


@dataclass(frozen=True)
class Plan:
    """Operations by id, each with those that use its rows."""

    nodes: dict[int, Node]
    users: dict[int, list[int]] = field(default_factory=dict)

    def movers(self) -> list[int]:
        return [number for number, node in self.nodes.items() if node.kind in MOVERS]

    def sources(self, number: int) -> set[str]:
        """The names of what the rows of an operation come from."""
        todo, seen, found = [number], set(), set()
        while todo:
            each = todo.pop()
            if each not in seen and each in self.nodes:
                seen.add(each)
                todo += self.nodes[each].needs
                if not self.nodes[each].needs:
                    found.add(self.nodes[each].name)
        return found

    def unordered(self, number: int) -> bool:
        """Whether no result depends on the order or the index that an operation gives to its rows."""
        own = self.nodes[number].details
        keys = {*own.get("_other", ()), *(own.get("by", ()) if self.nodes[number].kind == "SortValues" else ())}
        todo, seen = [number], set()
        while todo:
            each = todo.pop()
            above = self.users.get(each, [])
            if not above:
                return False  # the frame itself is a result
            for user in above:
                node = self.nodes[user]
                if user in seen:
                    continue
                seen.add(user)
                if node.kind in _READS_INDEX or (self._groups_by(node, keys) and self.nodes[number].kind == "SetIndex"):
                    return False
                if node.kind in _UNORDERED:
                    if any(name not in _AGGREGATIONS for name in node.details.get("arg", ())):
                        return False
                elif node.elemwise or node.kind in ("Projection", "Filter"):
                    todo.append(user)
                else:
                    return False
        return True

    def _groups_by(self, node: Node, keys: set[str]) -> bool:
        by = node.details.get("by", [])
        return node.kind in _UNORDERED and ("?" in by or bool(keys & set(by)))


def plans_of(recording: Recording) -> dict[tuple[int, int], Plan]:
    """(process, id) -> plan."""
    facts = recording.facts
    reductions = {fact.place for _, fact in facts.of(DaskReduction)}
    found: dict[tuple[int, int], Plan] = {}
    for owner, fact in facts.of(DaskPlan):
        plan = found[owner, fact.id] = Plan({})
        for node in fact.nodes:
            plan.nodes[node.id] = _node(
                node, facts.site(owner, node.site), facts.site(owner, node.function), reductions
            )
            for need in node.needs:
                plan.users.setdefault(need, []).append(node.id)
    return found


def _node(node: DaskNode, site: Site | None, function: Site | None, reductions: set[Site]) -> Node:
    reduces = function is not None and function in reductions
    return Node(node.name, node.kind, node.elemwise, node.needs, site, reduces, node.details)
