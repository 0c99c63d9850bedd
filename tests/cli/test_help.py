"""What the help says of names, forms and defaults is what the code takes."""

import re

import pytest
import typer

from unlossy import load_corrector
from unlossy.cli.main import COMMANDS, _app
from unlossy.codecs import parse_codecs
from unlossy.correctors.registry import CORRECTORS, SHIPPED
from unlossy.tasks.models.registry import FORMS

COMMAND = typer.main.get_command(_app())
SHIPPED_NAMES = [name for name, module in CORRECTORS.items() if module == SHIPPED]


def told(command, option=None):
    """The help of a command, or of one of its options, on one line."""
    found = COMMAND.commands[command]
    text = found.help if option is None else {one.name: one.help for one in found.params}[option]
    return " ".join(text.split())


def test_every_corrector_is_named_where_one_is_asked_for():
    for text in (told("correct", "corrector"), load_corrector.__doc__):
        assert [name for name in CORRECTORS if name not in text] == []
    assert [name for name in SHIPPED_NAMES if name not in told("export", "corrector")] == []


def test_the_forms_of_a_model_are_those_that_are_taken():
    forms = re.findall(r"(?:timm|torchvision):NAME\S*FILE]?", FORMS)
    assert len(forms) == 2
    assert [form for form in forms if f"{form}," not in told("study", "model")] == []


@pytest.mark.parametrize("command", ["study", "damage"])
def test_the_codec_meant_without_one_is_told(command):
    default, written_out = re.search(r"Default: (\S+), which is (\S+)\.$", told(command, "codec")).groups()
    assert parse_codecs(default) == parse_codecs(written_out)
    assert told(command, "mitigate").endswith("Default: none.")


def test_options_in_brackets_are_quoted_in_every_example():
    """A shell takes bare brackets for a pattern of file names, and zsh refuses one that fits none."""
    for command in COMMANDS:
        found = COMMAND.commands[command]
        texts = [found.help or "", *(getattr(one, "help", None) or "" for one in found.params)]
        for bracketed in re.findall(r"\S*jpeg\[\S*", " ".join(texts)):
            assert re.fullmatch(r".*'jpeg\[[^']*'.*", bracketed), (command, bracketed)


@pytest.mark.parametrize(
    ("command", "option", "words"),
    [
        ("study", None, "Exit codes: 0 fine; 2 .*; 3 .*; 4 .*; 5 "),
        ("study", "model", "--task text also tesseract:eng"),
        ("explain", "mitigate", r"Default: none and correct=small\."),
        ("report", "output", r"RUN/training\.html of a training"),
    ],
)
def test_what_is_easily_left_out_is_told(command, option, words):
    assert re.search(words, told(command, option))
