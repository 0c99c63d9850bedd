"""Counts as words."""


def counted(n: int, noun: str = "image") -> str:
    """A number with its noun: "1 image", "30 images"."""
    return f"{n} {noun}" if n == 1 else f"{n} {plural(noun)}"


def plural(noun: str) -> str:
    """More than one of it: "classes", "splits"."""
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
