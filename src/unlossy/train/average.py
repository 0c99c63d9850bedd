"""The mean of several weights files of one network, kept as one: steadier than each stretch of a training by itself.

    python -m unlossy.train.average FILE.safetensors... -o MEAN.safetensors

Weights of runs that began from one another, or from the same weights, often lie in one valley, where their mean is
good, too (Izmailov et al. 2018, 1803.05407; Wortsman et al. 2022, 2203.05482). Measure it: nothing promises that.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from unlossy.core.errors import RunError, UnlossyError, UsageError
from unlossy.correctors.nets.sizes import load_network, save_network
from unlossy.correctors.nets.weights_file import load_weights

_OF_THE_FILE = ("architecture", "shape")


def average_weights(files: Sequence[Path], target: Path) -> None:
    """Nothing; `target` holds the mean, and the facts of the last file.

    Raises:
        UsageError: no files, one that is no weights file of ours, or networks of different shapes.
        RunError: `target` cannot be written.
    """
    if not files:
        raise UsageError("name at least one weights file")
    networks = [load_network(file) for file in files]
    for file, network in zip(files, networks, strict=True):
        if network.shape != networks[0].shape:
            raise UsageError(f"{file} holds a network of another shape than {files[0]}: they have no mean")
    mean = networks[0]
    with torch.no_grad():
        for parts in zip(*(network.parameters() for network in networks), strict=True):
            parts[0].copy_(torch.stack(parts).mean(dim=0))
    facts = {key: value for key, value in load_weights(files[-1])[1].items() if key not in _OF_THE_FILE}
    made_of = ", ".join("/".join(file.parts[-2:]) for file in files)
    try:
        save_network(target, mean, {**facts, "averaged": made_of})
    except OSError as error:
        raise RunError(
            f"cannot write {str(target)!r}: {error.strerror or error}; name a file in a folder that is there"
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command."""
    options = argparse.ArgumentParser(prog="python -m unlossy.train.average", description=__doc__.splitlines()[0])
    options.add_argument("files", type=Path, nargs="+", metavar="FILE")
    options.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    chosen = options.parse_args(arguments)
    try:
        average_weights(chosen.files, chosen.output)
    except UnlossyError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
