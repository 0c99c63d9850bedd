"""Every task over the qualities, with nothing and with `small`: what is lost, where it goes, what is won back.

    python benchmarks/tasks_sweep.py [detection] [segmentation] [text] [-o RUNS] [--limit N]

NanoDet on COCO pictures, DeepLab on their masks, Tesseract on word crops, each at JPEG 5, 10, 20, ..., 90; RUNS holds
the studies and their reports, and a killed benchmark goes on when it is started again. Tables are printed in Markdown.
"""

import argparse
from pathlib import Path

from unlossy.report import write_report
from unlossy.report.methods import points_text, share_text
from unlossy.runs.diagnosis import diagnose
from unlossy.store import NONE
from unlossy.study import StudyPlan, run_study

DATA = "../shared/data"
STUDIES = {
    "detection": ("detection", f"onnx:{DATA}/models/nanodet_m_coco.onnx", f"{DATA}/coco/val", ("ap", "ap50")),
    "segmentation": ("semantic_segmentation", f"hf:{DATA}/models/deeplabv3_mnv2_voc", f"{DATA}/coco/val", ("miou",)),
    "text": ("text", "tesseract:eng", f"{DATA}/ocr/words", ("char_accuracy", "word_accuracy")),
}
QUALITIES = "jpeg:5,10,20,30,40,50,60,70,80,90"
SMALL = "correct=small"
PARTS = ("localization", "classification", "both", "duplicate", "background", "missed")


def study_of(name, options):
    task, model, data, _ = STUDIES[name]
    plan = StudyPlan(
        model=model, data=data, task=task, codecs=(QUALITIES,), mitigations=(NONE, SMALL), limit=options.limit
    )
    result = run_study(plan, options.output / name)
    print(f"\n## {name}: {model} on {data}, {result.n_items} items, {result.failed} failed")
    print(f"report: {write_report([result])}\n")
    return result


def print_table(result, metrics):
    """A row per quality: each metric without and with the corrector, agreement, loss and share won back."""
    main = result.main_metric
    told = {(cell.codec, cell.mitigation): cell for cell in result.cells}
    names = [*metrics, "agreement"]
    print(
        "| JPEG | " + " | ".join(f"{m} none / small" for m in names) + f" | {main} lost | small minus none | won back |"
    )
    print("|---" * (len(names) + 4) + "|")
    clean = [f"{100 * result.clean[m]:.1f} / {100 * result.clean_mitigated[SMALL][m]:.1f}" for m in names]
    print("| clean | " + " | ".join(clean) + " | | | |")
    for codec in result.plan.codecs:
        none, small = told[codec, NONE], told[codec, SMALL]
        values = [f"{100 * none.metrics[m]:.1f} / {100 * small.metrics[m]:.1f}" for m in names]
        ends = [
            points_text(none.difference[main]),
            points_text(small.versus_none[main]),
            share_text(small.recovered[main]),
        ]
        print(f"| {codec.removeprefix('jpeg:')} | " + " | ".join([*values, *ends]) + " |")
    found = result.correlation
    if found is not None:
        print(f"\nagreement against {main}: r = {found.over_settings} over settings, {found.over_items} over items")


def print_causes(name, run):
    """Where the loss comes from, without mitigation."""
    cells = [cell for cell in diagnose(run).cells if cell.mitigation == NONE]
    print()
    for cell in cells:
        if name == "detection":
            errors = cell.errors_present
            parts = ", ".join(f"{part} {100 * getattr(errors, part):.1f}" for part in PARTS)
            sizes = ", ".join(f"{size} {100 * (part.ap or 0):.1f}" for size, part in cell.by_size.items())
            print(f"{cell.codec}: {parts}; AP {sizes}")
        elif name == "segmentation":
            print(f"{cell.codec}: edges {100 * cell.boundary_iou:.1f}, insides {100 * cell.interior_iou:.1f}")
        else:
            worst = ", ".join(f"{c.true or '-'}>{c.read or '-'} {c.count}" for c in cell.confusions[:6])
            print(f"{cell.codec}: {cell.substituted} misread, {cell.missed} missed, {cell.invented} invented: {worst}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*STUDIES, []], metavar="NAME")
    parser.add_argument("--limit", type=int)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/tasks"), metavar="RUNS")
    options = parser.parse_args()
    for name in options.names or STUDIES:
        result = study_of(name, options)
        print_table(result, STUDIES[name][3])
        print_causes(name, options.output / name)


if __name__ == "__main__":
    main()
