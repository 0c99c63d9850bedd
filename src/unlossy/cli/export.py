"""`unlossy export`: a corrector as one ONNX file, for pipelines without unlossy."""

from pathlib import Path
from typing import Annotated

import typer

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.correctors.registry import weights_of


def export(
    corrector: Annotated[
        str, typer.Argument(help="small, base, ttac-mobilenet-v2, or a weights file.", show_default=False)
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.", show_default=False)],
    force: Annotated[bool, typer.Option(help="Replace an existing file.")] = False,
) -> None:
    """Write a corrector's network as a self-contained ONNX file.

    Inputs: `ycc` (batch, 3, height, width; JFIF Y, Cb, Cr of 0..1, neutral chroma at 0.5, sides multiples of 8, the
    JPEG's blocks starting at the top left), `tables` (batch, 2, 8, 8; luma and chroma steps, row by row), `known`
    (batch; 1 where the tables are the file's own, else 0), `sampling` (batch, 2; 2, 2 for 4:2:0). Output:
    `corrected`, as `ycc`. The file holds the network alone: tiling and guards stay in unlossy, which also takes the
    file as a corrector.

    **Example**

    `unlossy export small small.onnx`
    """
    if output.suffix != ".onnx":
        raise UsageError(f"{output}: the file's name must end in .onnx")
    if output.exists() and not force:
        raise UsageError(f"{output} is there already; choose another name, or --force")
    require("torch", "train", "exporting a corrector")
    from unlossy.correctors.export import export_onnx

    export_onnx(weights_of(corrector), output)
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
