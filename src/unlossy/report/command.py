"""The command that reproduces a run, quoted for a shell."""

import shlex

from unlossy.runs import StudyPlan

DEFAULTS = {"task": "classification", "seed": 0, "batch": 32, "compress_at": "source", "limit": None}
"""What `unlossy study` takes where an option is left out."""


def study_command(plan: StudyPlan, run: str, device: str = "cpu") -> str:
    """`unlossy study ...` as a person would type it: defaults left out, qualities of one codec in one list."""
    words = ["unlossy", "study", "--model", plan.model, "--data", plan.data]
    for spec in codec_specs(plan.codecs):
        words += ["--codec", spec]
    for name, default in DEFAULTS.items():
        value = getattr(plan, name)
        if value != default:
            words += [f"--{name.replace('_', '-')}", str(value)]
    for mitigation in plan.mitigations:
        if plan.mitigations != ("none",):
            words += ["--mitigate", mitigation]
    where = [] if device == "cpu" else ["--device", device]
    return shlex.join([*words, *where, "-o", run])


def codec_specs(settings: tuple[str, ...]) -> list[str]:
    """SPECs that give exactly these settings in this order: neighbours of one family become "jpeg:10,20,30"."""
    specs: list[str] = []
    family = None
    for setting in settings:
        name, _, quality = setting.rpartition(":")
        if "+" not in setting and name == family:
            specs[-1] += f",{quality}"
        else:
            specs.append(setting)
        family = None if "+" in setting else name
    return specs
