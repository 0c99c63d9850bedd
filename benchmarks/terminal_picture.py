"""A RUN's table, as the terminal shows it, as an SVG: the README's picture.

    python benchmarks/terminal_picture.py runs/mobilenet docs/study.svg

RUN is named in the picture, so give it a relative path.
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from unlossy.cli.table import print_study
from unlossy.study import summarise_run

run, output = sys.argv[1:]
console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
print_study(summarise_run(run), console)
svg = console.export_svg(title="unlossy study")
svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # the fonts would be fetched from outside
Path(output).write_text(svg, "utf-8")
