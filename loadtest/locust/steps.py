"""What a step of the model may be, and that everything it sends comes from somewhere."""
import re

from fields import KINDS, check_fields, fields, is_text, known, refuse

STEP = fields(
    "request?:text as?:text with?:object times?:counts chance?:share pause?:range steps?:list oneOf?:list"
)


def check_steps(model, steps, where, given):
    """`given`: the variables that the steps around these ones have already chosen."""
    if not isinstance(steps, list):
        refuse(f"{where} must have lists of steps.")
    for step in steps:
        check_fields(f"a step of {where}", step, STEP)
        if sum(act in step for act in ("request", "pause", "steps", "oneOf")) != 1:
            refuse(f'a step of {where} must have one of "request", "pause", "steps" and "oneOf".')
        chosen = [*given, *check_sources(model, step, where)]
        if "as" in step:
            known(model["askers"], step["as"], where, "asker")
        if "request" in step:
            check_requested(model, step["request"], chosen, where)
        for inner in [step["steps"]] if "steps" in step else step.get("oneOf", []):
            check_steps(model, inner, where, chosen)


def variables_in(text):
    """The variables of a text; `{key?}`, which may have no value, is none."""
    return re.findall(r"\{(\w+)\}", text)


def check_texts(texts, given, where):
    for field, text in texts.items():
        for name in variables_in(text):
            if name not in given:
                refuse(f"{where}.{field} has {{{name}}}, which means nothing there.")


def check_requested(model, name, given, where):
    """Everything that a request is made of must come from somewhere."""
    known(model["requests"], name, where, "request")
    request = model["requests"][name]
    for text in [request["path"], *request.get("fields", {}).values()]:
        for variable in variables_in(text):
            if variable not in given:
                refuse(f'{where} does not say where {{{variable}}} of the request "{name}" comes from.')


def check_sources(model, step, where):
    """The names of the variables that a step chooses."""
    for name, source in step.get("with", {}).items():
        check_source(model, source, f"{where}, {{{name}}}")
    return step.get("with", {})


def check_source(model, source, where):
    if isinstance(source, dict) and is_text(source.get("of")):
        return known(model["lists"], source["of"], where, "list")
    if isinstance(source, dict) and is_text(source.get("seen")):
        return known(model["sights"], source["seen"], where, "sight")
    bounds = [source.get("from"), source.get("to")] if isinstance(source, dict) else None
    if bounds is None or not KINDS["counts"][0](bounds):
        refuse(f'{where} must come "of" a list, be "seen", or lie "from" one whole number "to" another.')
