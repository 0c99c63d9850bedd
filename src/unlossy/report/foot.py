"""The foot: how each run was made, and the command that makes it again."""

from collections.abc import Sequence

from unlossy.metrics.stats import N_DRAWS
from unlossy.report.command import codec_specs, study_command
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, tag
from unlossy.runs.estimates import SET_DRAWS
from unlossy.tasks.registry import yardstick


def made_section(run: LoadedRun) -> Html:
    """Command, settings, versions and digests of a run."""
    plan, made_by = run.result.plan, run.made_by
    versions, device = made_by.get("versions") or {}, str(made_by.get("device", "cpu"))
    encoders = sorted({str(encoder) for encoder in (made_by.get("encoders") or {}).values()})
    facts = [
        ("model", plan.model),
        ("model digest", str(made_by.get("model_digest", "unknown"))),
        ("data", plan.data),
        ("digest of the items", str(made_by.get("items", "unknown"))),
        ("images", f"{run.result.n_items}" + (f" (limited to {plan.limit})" if plan.limit else "")),
        ("codecs", " ".join(codec_specs(plan.codecs))),
        ("compressed at", "source size" if plan.compress_at == "source" else "the model's input size"),
        ("seed, batch", f"{plan.seed}, {plan.batch}"),
        ("encoders", "; ".join(encoders)),
        ("device", device),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if version)),
        ("Python", str(made_by.get("python", "unknown"))),
        ("plan", plan.hash),
    ]
    rows = [part for name, value in facts for part in (tag("dt", name), tag("dd", value))]
    return tag(
        "div",
        tag("h3", run.name),
        tag("p", "The command that makes it again:"),
        tag(
            "pre",
            tag("code", study_command(plan, run.result.run, device)),
            tabindex=0,
            role="region",
            aria_label="Command",
        ),
        tag("dl", *rows),
        class_="made",
    )


def method_section(runs: Sequence[LoadedRun]) -> Html:
    """How the numbers were made, in a paragraph: what it says of differences fits the metrics of the runs."""
    measures = [yardstick(run.result.plan.task) for run in runs]
    of_set = dict.fromkeys(one.spoken.get(name, name) for one in measures for name in one.set_metrics)
    return tag(
        "p",
        "Each image is compressed and decompressed at each setting and shown to the model, clean and compressed alike. "
        "Only images that were scored both clean and at that setting count. ",
        f"A difference is taken per image{', but for ' + ', '.join(of_set) if of_set else ''}. "
        f"Intervals are 95 % percentile bootstrap intervals over the images ({N_DRAWS} draws); they tell how far the "
        "number could move had other images of the same kind been drawn, and nothing about other kinds of images.",
        f" Those belong to the whole set: worked out anew in each of {SET_DRAWS} draws, whose bias is taken away."
        if of_set
        else "",
    )
