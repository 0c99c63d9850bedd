"""Whole folders through a corrector: what can be repaired is, the rest comes along byte for byte, nothing is lost.

plan      what is to be done: IN, OUT, format; what is refused before any work
names     how outputs are called, so that a.jpg and a.png do not become one file
picture   bytes to pixels, and beside them what pixels do not hold: alpha, EXIF, ICC
encode    pixels and all that to the bytes of PNG, WebP or JPEG
worker    one file after the other through all of it
manifest  what is done already; claims: which files are results, which alone are replaced; books: where that is written
run       the loop
"""

from unlossy.repair.plan import RepairPlan
from unlossy.repair.result import RepairResult
from unlossy.repair.run import run_repair

__all__ = ["RepairPlan", "RepairResult", "run_repair"]
