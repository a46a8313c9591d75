"""What the fields of the model may be, and how a wrong one is refused."""
import re
import sys


class WrongModel(Exception):
    """Its text is the sentence."""


def refuse(sentence):
    raise WrongModel(f"The model cannot be used: {sentence}")


def give_up(sentence):
    """Ends a run before it begins, with 2: 1 is what Locust says of its own errors, 99 of crossed thresholds."""
    print(sentence, file=sys.stderr)
    sys.exit(2)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def is_whole(value):
    return is_number(value) and float(value).is_integer()


def is_text(value):
    return isinstance(value, str)


def is_texts(value):
    return isinstance(value, list) and len(value) > 0 and all(map(is_text, value))


def is_pattern(value):
    try:
        return re.compile(value) is not None
    except re.error:
        return False


def is_range(value):
    is_pair = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
    return is_pair and value[0] <= value[1]


def is_named(value):
    return isinstance(value, dict) and all(map(is_text, value.values()))


KINDS = {
    "share": (lambda value: is_number(value) and 0 < value <= 1, "a share above 0 and up to 1"),
    "weight": (lambda value: is_number(value) and value > 0, "a number above 0"),
    "whole": (lambda value: is_whole(value) and value > 0, "a whole number above 0"),
    "range": (is_range, "two numbers, the smaller one first"),
    "counts": (
        lambda value: is_range(value) and all(map(is_whole, value)),
        "two whole numbers, the smaller one first",
    ),
    "text": (is_text, "a text"),
    "texts": (is_texts, "a list of texts"),
    "statuses": (
        lambda value: isinstance(value, list) and len(value) > 0 and all(map(is_whole, value)),
        "a list of statuses",
    ),
    "list": (lambda value: isinstance(value, list) and len(value) > 0, "a list that is not empty"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "named": (is_named, "an object of texts"),
    "answer": (
        lambda value: is_text(value) or is_named(value),
        "the name of an answer, or one for each asker",
    ),
}


def check_fields(where, value, given):
    """Checks one object: `given` names its fields with their kinds; a `?` marks those that may be missing."""
    if not isinstance(value, dict):
        refuse(f"{where} must be an object.")
    names = [name.rstrip("?") for name in given]
    for name in value:
        if name not in names:
            refuse(f'{where} has the field "{name}", which means nothing there.')
    for field, kind in given.items():
        name = field.rstrip("?")
        if name not in value:
            if not field.endswith("?"):
                refuse(f'{where} needs the field "{name}".')
            continue
        is_fit, words = KINDS[kind]
        if not is_fit(value[name]):
            refuse(f"{where}.{name} must be {words}.")


def known(part, name, where, what):
    if name not in part:
        refuse(f'{where} names the {what} "{name}", which does not exist.')


def fields(text):
    """`users:object smoke?:list` as a dictionary."""
    return dict(field.split(":") for field in text.split())
