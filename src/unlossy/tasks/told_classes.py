"""Class names that tables and archives tell of their pictures, beside a classifier's labels.

The names of a table's ClassLabel column, a word for a label, a class folder inside an archive: the group `class` of an
item that comes from a container. Some have a number too, which may be another model's. Names decide, as with folders:

    a name is that of a class              that class, whatever the number
    another is, this one is not            unknown; but its number, if no number contradicts a name
    none is, or the model has no names     the number, and unknown without one
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from unlossy.core.errors import UsageError
from unlossy.core.tools import printable
from unlossy.core.types import ClassTarget, Item
from unlossy.tasks.class_folders import Labels
from unlossy.tasks.names import listed


@dataclass(frozen=True, slots=True)
class ToldClasses:
    """Which class the pictures of each name are of.

    Attributes:
        class_of: The model's class by name, None for an unknown one; a name that is not here leaves its items as they
            are.
        remark: What is worth saying of it.
    """

    class_of: Mapping[str, int | None]
    remark: str | None = None

    def item(self, item: Item) -> Item:
        """The item with the model's class for its target, none of an unknown name."""
        name = told_name(item)
        if name is None or name not in self.class_of:
            return item
        class_index = self.class_of[name]
        return replace(item, target=None if class_index is None else ClassTarget(class_index))


def told_name(item: Item) -> str | None:
    """What a container calls the class of its picture; None where it tells no more than a number."""
    name = item.groups.get("class") if item.container is not None else None
    return name if name and name != str(item.class_index) else None


def told_names(items: Iterable[Item]) -> Mapping[str, int | None]:
    """The number of each name; None where it has none, or several."""
    found: dict[str, int | None] = {}
    for item in items:
        name = told_name(item)
        if name is not None and found.setdefault(name, item.class_index) != item.class_index:
            found[name] = None
    return found


def match_told(names: Mapping[str, int | None], labels: Sequence[str] | None, spec: str = "the model") -> ToldClasses:
    """The classes of a model, whose `labels` are in the order of its outputs, that names stand for.

    Raises:
        UsageError: a name fits several classes, of which its number is none.
    """
    if not labels or not names:
        return ToldClasses({})
    called = Labels(labels)
    fits = {name: called.named(name) for name in names}
    unknown = [name for name, classes in fits.items() if not classes]
    numbers_hold = all(names[name] in classes for name, classes in fits.items() if classes)
    numbered = [name for name in unknown if names[name] is not None]
    class_of: dict[str, int | None] = {
        name: _the_one(name, names[name], classes, labels, spec) for name, classes in fits.items() if classes
    }
    if numbers_hold and numbered:
        told = "their numbers were taken for the model's. Where these are others, give a model that has its classes"
        return ToldClasses(class_of, f"{_told(unknown, len(names), spec)}; {told}.")
    class_of |= dict.fromkeys(unknown)
    remark = f"{_told(unknown, len(names), spec)}; their pictures count as unlabelled." if unknown else None
    return ToldClasses(class_of, remark)


def contradicted_number(names: Mapping[str, int | None], labels: Sequence[str]) -> tuple[str, int, int] | None:
    """A name, its number, and the other class that it is by these labels; None without one."""
    called = Labels(labels)
    for name, number in names.items():
        classes = called.named(name)
        if number is not None and classes and number not in classes:
            return printable(name), number, classes[0]
    return None


def _the_one(name: str, number: int | None, classes: Sequence[int], labels: Sequence[str], spec: str) -> int:
    """The class of a name that fits some; raises UsageError where it may be several."""
    if len(classes) == 1:
        return classes[0]
    if number is not None and number in classes:
        return number
    several = " and ".join(f"class {k} ({labels[k]!r})" for k in classes)
    raise UsageError(f"the class {printable(name)!r} of a container may be {several} of {spec}: rename it there")


def _told(unknown: Sequence[str], n_names: int, spec: str) -> str:
    which = listed([printable(name) for name in unknown])
    if len(unknown) == n_names:
        return f"{spec} has no class that is called like one in the containers ({which})"
    return f"{spec} does not know {len(unknown)} of the {n_names} classes in the containers ({which})"
