"""Writes what tidecv says of made pictures to tidecv.json: `python -m tests.metrics.record_tidecv`; needs tidecv 1.0.1.

The pictures are written too, so that the test does not hang on a random generator.
"""

import json
from pathlib import Path

from tests.metrics.found_objects import made_pictures
from unlossy.tasks.detections import objects_as_json

RECORD = Path(__file__).with_name("tidecv.json")
NAMES = {
    "Cls": "classification",
    "Loc": "localization",
    "Both": "both",
    "Dupe": "duplicate",
    "Bkg": "background",
    "Miss": "missed",
    "FalsePos": "false_positives",
    "FalseNeg": "false_negatives",
}


def told_by_tidecv(pictures):
    """Percent, by our names."""
    from tidecv import TIDE, Data

    truth, found = Data("truth"), Data("found")
    for n, picture in enumerate(pictures):
        target = picture.target
        truth.add_image(n, str(n))  # without, tidecv leaves out a picture that has no object
        for box, class_id, crowd in zip(target.boxes_xyxy, target.category_ids, target.crowd, strict=True):
            add = truth.add_ignore_region if crowd else truth.add_ground_truth
            add(n, int(class_id), _xywh(box))
        answers = picture.found
        for box, score, class_id in zip(answers.boxes_xyxy, answers.scores, answers.class_ids, strict=True):
            found.add_detection(n, int(class_id), float(score), _xywh(box.astype(float)))
    run = TIDE().evaluate(truth, found, mode=TIDE.BOX)
    gains = run.fix_main_errors() | run.fix_special_errors()
    return {"ap50": run.ap} | {NAMES[error.short_name]: float(gain) for error, gain in gains.items()}


def _xywh(box):
    x0, y0, x1, y1 = (float(v) for v in box)
    return [x0, y0, x1 - x0, y1 - y0]


def main():
    sets = [made_pictures(seed, 14, n_random=4, digits=4) for seed in range(3)]
    told = [
        {
            "pictures": [
                {"found": one.found.to_json(), "target": objects_as_json(one.target, outlines=False)}
                for one in pictures
            ],
            "tidecv": told_by_tidecv(pictures),
        }
        for pictures in sets
    ]
    RECORD.write_text(json.dumps(told, separators=(",", ":")) + "\n")
    for one in told:
        print({name: round(value, 2) for name, value in one["tidecv"].items()})


if __name__ == "__main__":
    main()
