"""What correctors aimed at one model win in front of another: studies of several models, and the transfer matrix.

    python benchmarks/transfer.py [--aimed FILE.safetensors]... [--limit N] [-o RUNS]

Each model is studied with nothing, with the fidelity corrector `small` and with each aimed corrector (the weights that
`unlossy train ttac` made), over the same images and settings, in RUNS/MODEL; a killed benchmark goes on when it is
started again. Printed are accuracies, shares of the loss won back with 95 % intervals, the costs on clean images, and
the matrix; RUNS/comparison.html shows the same. Without --model: MobileNetV2 and SqueezeNet on 300 images of ImageNet.
"""

import argparse
from pathlib import Path

from unlossy.metrics.recovered import Share
from unlossy.report import write_report
from unlossy.report.loaded import short_name
from unlossy.report.methods import points_text, share_text
from unlossy.report.recommendation import recommend
from unlossy.report.transfer import aim_name
from unlossy.runs.mitigations import short_names
from unlossy.runs.pairs import images_needed
from unlossy.runs.transfer import transfer_of
from unlossy.store import NONE
from unlossy.study import StudyPlan, run_study

DATA = "../shared/data"
MODELS = (
    f"hf:{DATA}/models/mobilenet_v2_imagenet",
    f"onnx:{DATA}/models/squeezenet1_1_imagenet.onnx",
)


def chosen_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", action="append", metavar="SPEC", help="several times; default: the two above")
    parser.add_argument("--aimed", action="append", type=Path, default=[], metavar="FILE", help="corrector weights")
    parser.add_argument("--mitigate", action="append", default=[], metavar="M", help="more mitigations, as in a study")
    parser.add_argument("--data", default=f"{DATA}/imagenet")
    parser.add_argument("--codec", action="append", metavar="SPEC", help="default: jpeg:10,20,40,80,90")
    parser.add_argument("--limit", type=int)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/transfer"), metavar="RUNS")
    return parser.parse_args()


def study_of(model, options):
    mitigations = (NONE, "correct=small", *(f"correct={file}" for file in options.aimed), *options.mitigate)
    plan = StudyPlan(
        model=model,
        data=options.data,
        codecs=tuple(options.codec or ("jpeg:10,20,40,80,90",)),
        mitigations=mitigations,
        limit=options.limit,
    )
    return run_study(plan, options.output / short_name(model))


def print_study(result):
    metric, names = result.main_metric, short_names(result.plan.mitigations)
    print(
        f"\n{short_name(result.plan.model)}: {metric} {100 * result.clean[metric]:.1f} clean, {result.n_items} images"
    )
    print(f"{'setting':10s} {'method':34s} {metric:>6s}  {'won back, %':22s} {'points over none':24s} needed for ±5")
    for cell in result.cells:
        share = (cell.recovered or {}).get(metric)
        gain = points_text((cell.versus_none or {}).get(metric))
        needed = images_needed(share, cell.n)
        print(
            f"{cell.codec:10s} {names[cell.mitigation]:34s} {100 * cell.metrics[metric]:6.1f}  "
            f"{share_text(share):22s} {gain:24s} {'' if needed is None else needed}"
        )
    for mitigation, cost in result.methods.items():
        clean = points_text(cost.clean_difference[metric])
        print(
            f"clean      {names[mitigation]:34s} {clean:24s} {cost.became_wrong} wrong, {cost.became_right} right, "
            f"mean |change of p(true)| {cost.mean_abs_p_true:.4f}"
        )
    advice = recommend(result)
    print("\n".join(advice.sentences if advice else ()))


def print_matrix(results):
    found = transfer_of(results)
    if isinstance(found, str):
        print(found)
        return
    models = [short_name(result.plan.model) for result in results]
    files = short_names([corrector.mitigation for corrector in found.correctors])
    print("\nShare of the loss won back, % [95 %]; then, of what the corrector aimed at that model wins, %")
    for setting in found.settings:
        print(f"\n{setting:54s}" + "".join(f"{model:>44s}" for model in models))
        for corrector in found.correctors:
            cells = [found.cells.get((setting, corrector.digest, n)) for n in range(len(results))]
            told = ["" if cell is None else _told(cell.recovered, cell) for cell in cells]
            aim = f"aimed at {aim_name(corrector)}" if corrector.aimed_at else aim_name(corrector)
            name = f"{files[corrector.mitigation].removeprefix('correct=')} ({aim})"
            print(f"{name:54s}" + "".join(f"{text:>44s}" for text in told))
    print("\ncorrectors: " + "; ".join(f"{c.mitigation}: {aim_name(c)}" for c in found.correctors))


def _told(share: Share | None, cell) -> str:
    of_direct = "itself" if cell.direct else share_text(cell.of_direct)
    return f"{share_text(share)}{f' | {of_direct}' if of_direct else ''}"


def main():
    options = chosen_options()
    results = [study_of(model, options) for model in options.model or MODELS]
    for result in results:
        print_study(result)
    if len(results) > 1:
        print_matrix(results)
    print(write_report(results, options.output / "comparison.html"))


if __name__ == "__main__":
    main()
