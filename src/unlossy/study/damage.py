"""What compression does to pictures themselves, whatever model they are for: to their gradients and their edges.

    source ─► each codec: encode, decode ─► each mitigation ─► gradients and edges against the source's

Workers measure, a picture at a time; all that is kept of one is its numbers, so memory does not grow with pixels.
The pictures to show are chosen from the numbers afterwards, by rule, and made again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

from unlossy.codecs import Codec, parse_codecs
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.types import Item
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.datasets import open_dataset
from unlossy.datasets.base import Dataset
from unlossy.engines import Engine, Failed, LocalEngine
from unlossy.metrics.gradients import GradientDamage, gradient_damage
from unlossy.runs.damage import DamageFailure, DamageResult
from unlossy.runs.mitigations import in_order, parts_of
from unlossy.store import NONE
from unlossy.study.damage_cells import Tally, cells_of
from unlossy.study.damage_shown import choose, shown_at, shown_items
from unlossy.study.damage_versions import read_source, versions
from unlossy.study.mitigation import Mitigation

Progress = Callable[[int, int | None], None]
"""Called with the number of pictures done and the number there are, None where nobody knows."""


@dataclass(frozen=True, slots=True)
class DamagePlan:
    """What to look at; `codecs` are SPECs, `mitigations` texts as in a study, of which `model=` ones are refused.

    `limit` takes the first N items in key order, `pictures` are shown, `seed` draws the intervals.
    """

    data: str
    codecs: tuple[str, ...] = ("jpeg",)
    mitigations: tuple[str, ...] = (NONE,)
    limit: int | None = None
    pictures: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("limit", 1), ("pictures", 0), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} must be {least} or more, not {value}")


def measure_damage(
    plan: DamagePlan, *, on_progress: Progress | None = None, engine: Engine | None = None
) -> DamageResult:
    """The gradients and edges of the plan's pictures in every cell, and some of the pictures.

    Raises:
        UsageError: no data, no picture in them, an unknown codec or mitigation.
    """
    every = [codec for spec in plan.codecs for codec in parse_codecs(spec)]
    codecs = tuple({codec.setting: codec for codec in every}.values())
    if not codecs:
        raise UsageError("give a codec, for example jpeg:10..90:10")
    mitigations = tuple(_opened(text) for text in in_order(plan.mitigations))
    dataset = open_dataset(plan.data)
    found = _Found.empty(codecs, mitigations)
    worker = DamageWorker(codecs, mitigations)
    tell, total = on_progress or (lambda _done, _total: None), _total(dataset, plan.limit)
    tell(0, total)
    with closing((engine or LocalEngine()).map(lambda: worker, islice(dataset, plan.limit), 1)) as outcomes:
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                raise outcome.error
            found.add(outcome.value)
            tell(found.n_items, total)
    if not found.n_items:
        raise UsageError(f"there is no image in {plan.data!r}")
    return _result(plan, dataset, codecs, mitigations, found)


@dataclass(frozen=True, slots=True)
class ItemDamage:
    """One picture in all its cells, by codec setting and mitigation; what failed is in no cell and has a reason."""

    n_pixels: int
    encoded_bytes: Mapping[str, int]
    cells: Mapping[tuple[str, str], GradientDamage]
    failures: tuple[DamageFailure, ...]


@dataclass(frozen=True, slots=True)
class DamageWorker:
    """Measures items; thread-safe."""

    codecs: tuple[Codec, ...]
    mitigations: tuple[Mitigation, ...]

    def __call__(self, items: Sequence[Item]) -> list[ItemDamage]:
        """One ItemDamage per item, in order; an ItemError becomes a failure."""
        return [self._measured(item) for item in items]

    def _measured(self, item: Item) -> ItemDamage:
        try:
            source = read_source(item)
        except ItemError as error:
            return ItemDamage(0, {}, {}, (_failure(item, None, None, error),))
        sizes: dict[str, int] = {}
        cells: dict[tuple[str, str], GradientDamage] = {}
        failures: list[DamageFailure] = []
        for codec in self.codecs:
            try:
                for version in versions(source, codec, self.mitigations):
                    sizes[codec.setting] = version.encoded_bytes
                    if isinstance(version.picture, ItemError):
                        failures.append(_failure(item, codec, version.mitigation, version.picture))
                    else:
                        cells[codec.setting, version.mitigation] = gradient_damage(version.picture, source)
            except ItemError as error:
                failures.append(_failure(item, codec, None, error))
        return ItemDamage(source[:, :, 0].size, sizes, cells, tuple(failures))


@dataclass(slots=True)
class _Found:
    """The numbers so far, by cell, every item in every cell; filled item by item."""

    tallies: dict[tuple[str, str], Tally]
    failures: list[DamageFailure] = field(default_factory=list)
    n_items: int = 0

    @classmethod
    def empty(cls, codecs: Iterable[Codec], mitigations: Iterable[Mitigation]) -> "_Found":
        return cls({(codec.setting, m.text): Tally(codec, m.text) for codec in codecs for m in mitigations})

    def add(self, items: Iterable[ItemDamage]) -> None:
        for item in items:
            self.n_items += 1
            self.failures += item.failures
            for (setting, mitigation), tally in self.tallies.items():
                tally.add(item.cells.get((setting, mitigation)), item.encoded_bytes.get(setting, 0), item.n_pixels)


def _result(
    plan: DamagePlan, dataset: Dataset, codecs: Sequence[Codec], mitigations: Sequence[Mitigation], found: _Found
) -> DamageResult:
    codec = shown_at(codecs)
    chosen = choose(found.tallies[codec.setting, mitigations[0].text], plan.pictures)
    items, lost = shown_items(islice(dataset, plan.limit), chosen, codec, mitigations)
    failures = (*found.failures, *[_failure(item, codec, None, error) for item, error in lost])
    cells = tuple(cells_of(list(found.tallies.values()), plan.seed))
    return DamageResult(plan.data, found.n_items, failures, cells, items)


def _opened(text: str) -> Mitigation:
    """Thread-safe and with one thread of its own: there is a worker per core."""
    if text == NONE:
        return Mitigation()
    parts = parts_of(text)
    if parts.model:
        raise UsageError(f"{text}: the gradients looked at are the pictures' own, before any model; leave it out")
    return Mitigation(text, open_corrector(parts.corrector, Choices(threads=1)))


def _total(dataset: Dataset, limit: int | None) -> int | None:
    known = [n for n in (dataset.n_items, limit) if n is not None]
    return None if dataset.n_items is None else min(known)


def _failure(item: Item, codec: Codec | None, mitigation: str | None, error: ItemError) -> DamageFailure:
    return DamageFailure(item.key, None if codec is None else codec.setting, mitigation, error.kind, str(error))
