"""What task-targeted correction wins across tasks: correctors aimed at one task in front of the models of several.

    python benchmarks/detection_ttac.py [--aimed FILE.safetensors]... [--limit N] [--task T]... [-o RUNS]

Without --task: nanodet and DeepLab on the 48 pictures of COCO, MobileNetV2 on 60 of ImageNet, Tesseract on 100 word
crops. Each is studied with nothing, with the fidelity corrector `small`, with each --aimed (weights that `unlossy train
ttac` made) and with the classification-aimed `ttac-mobilenet-v2`, in RUNS/TASK; a killed benchmark goes on when it is
started again. Printed per setting and method: the metric with its paired 95 % interval over no mitigation, the share of
the loss won back, and agreement with the model's own clean answers; aimed against fidelity, pair by pair; then the
matrix of shares, which RUNS/comparison.html draws.
"""

import argparse
from pathlib import Path

from unlossy.metrics.recovered import Share
from unlossy.report import write_report
from unlossy.report.loaded import short_name
from unlossy.report.methods import points_text, share_text
from unlossy.runs.mitigations import short_names
from unlossy.runs.summary import StudyResult
from unlossy.store import NONE
from unlossy.study import StudyPlan, run_study

DATA = "../shared/data"
FIDELITY = "correct=small"
STUDIES = {
    "detection": (f"onnx:{DATA}/models/nanodet_m_coco.onnx", f"{DATA}/coco/val", "ap50", None),
    "semantic_segmentation": (f"hf:{DATA}/models/deeplabv3_mnv2_voc", f"{DATA}/coco/val", "miou", None),
    "classification": (f"hf:{DATA}/models/mobilenet_v2_imagenet", f"{DATA}/imagenet", "top1", 60),
    "text": ("tesseract:eng", f"{DATA}/ocr/words", "char_accuracy", 100),
}
"""By task: the model, the data, the metric to tell, and how many pictures of the data (None: all)."""


def chosen_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", action="append", choices=list(STUDIES), help="several times; default: all")
    parser.add_argument("--aimed", action="append", type=Path, default=[], metavar="FILE", help="corrector weights")
    parser.add_argument("--codec", action="append", metavar="SPEC", help="default: jpeg:10,20,40,80")
    parser.add_argument("--limit", type=int)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/across-tasks"), metavar="RUNS")
    return parser.parse_args()


def study_of(task: str, options: argparse.Namespace) -> StudyResult:
    """The study of one task's model with all methods."""
    model, data, _, most = STUDIES[task]
    aimed = [f"correct={file}" for file in options.aimed]
    plan = StudyPlan(
        model=model,
        data=data,
        task=task,
        codecs=tuple(options.codec or ("jpeg:10,20,40,80",)),
        mitigations=(NONE, FIDELITY, *aimed, "correct=ttac-mobilenet-v2"),
        limit=options.limit or most,
    )
    return run_study(plan, options.output / task)


def print_study(task: str, result: StudyResult) -> None:
    """A line per setting and method, then the aimed methods against fidelity."""
    metric, names = STUDIES[task][2], short_names(result.plan.mitigations)
    clean = result.clean[metric]
    told = "?" if clean is None else f"{100 * clean:.1f}"
    print(f"\n{task}: {short_name(result.plan.model)}, {metric} {told} clean, {result.n_items} pictures")
    head = (f"{'setting':10s}", f"{'method':28s}", f"{metric:>6s}", f"{'points over none':26s}", f"{'won back, %':20s}")
    print(*head, "agreement, points over none")
    for cell in result.cells:
        value, agreement = cell.metrics[metric], cell.metrics["agreement"]
        print(
            f"{cell.codec:10s}",
            f"{names[cell.mitigation]:28s}",
            "     ?" if value is None else f"{100 * value:6.1f}",
            f"{points_text((cell.versus_none or {}).get(metric)):26s}",
            f"{share_text((cell.recovered or {}).get(metric)):20s}",
            "?" if agreement is None else f"{100 * agreement:.1f}",
            points_text((cell.versus_none or {}).get("agreement")),
        )
    for mitigation, metrics in result.clean_mitigated.items():
        value = metrics[metric]
        print(f"{'clean':10s} {names[mitigation]:28s}", "     ?" if value is None else f"{100 * value:6.1f}")
    print(f"over {names[FIDELITY]}, points of {metric}, and of agreement:")
    for pair in result.pairs:
        if pair.b == FIDELITY:  # the later in the plan minus the earlier
            gains = [points_text(pair.difference.get(key)) for key in (metric, "agreement")]
            print(f"{pair.codec:10s} {names[pair.a]:28s} {gains[0]:26s} {gains[1]}")


def print_matrix(results: dict[str, StudyResult]) -> None:
    """Rows are correctors, columns tasks: the share of the loss won back, and what agreement gains."""
    for setting in next(iter(results.values())).plan.codecs:
        print(f"\nShare of the loss won back, % [95 %] | agreement, points over none: {setting}")
        print(f"{'':28s}" + "".join(f"{task:>48s}" for task in results))
        for mitigation in next(iter(results.values())).clean_mitigated:
            told = [_told(task, result, setting, mitigation) for task, result in results.items()]
            print(f"{short_names([NONE, mitigation])[mitigation]:28s}" + "".join(f"{text:>48s}" for text in told))


def _told(task: str, result: StudyResult, setting: str, mitigation: str) -> str:
    found = [cell for cell in result.cells if (cell.codec, cell.mitigation) == (setting, mitigation)]
    if not found:
        return ""
    share: Share | None = (found[0].recovered or {}).get(STUDIES[task][2])
    return f"{share_text(share)} | {points_text((found[0].versus_none or {}).get('agreement'))}"


def main() -> None:
    options = chosen_options()
    results = {}
    for task in options.task or STUDIES:
        results[task] = study_of(task, options)
        print_study(task, results[task])
    if len(results) > 1:
        print_matrix(results)
        print(write_report(list(results.values()), options.output / "comparison.html"))


if __name__ == "__main__":
    main()
