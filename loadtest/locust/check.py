"""What a traffic model must look like: refuses a wrong one with one sentence that names the place.

../k6/check.js does the same in JavaScript, in the same words.
"""
import re


class WrongModel(Exception):
    """Its text is the sentence."""


def refuse(sentence):
    raise WrongModel(f"The model cannot be used: {sentence}")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def is_whole(value):
    return is_number(value) and float(value).is_integer()


def is_text(value):
    return isinstance(value, str)


def is_texts(value):
    return isinstance(value, list) and len(value) > 0 and all(map(is_text, value))


def is_range(value):
    is_pair = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
    return is_pair and value[0] <= value[1]


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
    "named": (
        lambda value: isinstance(value, dict) and all(map(is_text, value.values())),
        "an object of texts",
    ),
    "answer": (
        lambda value: isinstance(value, (str, dict)),
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


def check_each(part, where, given, more=None):
    """Checks every entry of one part of the model."""
    if not part:
        refuse(f"{where} must not be empty.")
    for name, value in part.items():
        check_fields(f"{where}.{name}", value, given)
        if more:
            more(value, f"{where}.{name}")


def known(part, name, where, what):
    if name not in part:
        refuse(f'{where} names the {what} "{name}", which does not exist.')


def fields(text):
    """`users:object smoke?:list` as a dictionary."""
    return dict(field.split(":") for field in text.split())


PARTS = fields(
    "users:object mixes:object shapes:object accounts:object smoke:object target:list requests:object"
    " answers:object askers:object groups:object sights:named lists:object"
)
ANSWER = fields("status:statuses type?:text has?:texts lacks?:texts location?:text")
REQUEST = fields("method:text path:text name?:text group:text fields?:named answer:answer sees?:texts")
ACCOUNT = fields("count:whole name:text mailaddress:text password:text login:text register:text first?:text")
USER = fields("weight:weight wait:range as:text account?:text welcome?:list tasks:object")
TASK = fields("weight:weight atMost?:counts steps:list")
STEP = fields(
    "request?:text as?:text with?:object times?:counts chance?:share pause?:range steps?:list oneOf?:list"
)
SMOKE = fields("users:whole as:texts pause:range account:object steps:list")
TARGET = fields("request:text times?:whole with?:object else:text")
ACCOUNT_VARIABLES = ["name", "mailaddress", "password"]


def check_model(model):
    """Raises WrongModel with one sentence when the model cannot be used."""
    check_fields("it", model, PARTS)
    check_each(model["groups"], "groups", fields("p95:weight bytes:weight"))
    check_each(model["askers"], "askers", fields("answersLike:text headers:named"))
    check_each(model["answers"], "answers", ANSWER)
    check_each(model["requests"], "requests", REQUEST, lambda one, where: check_request(model, one, where))
    check_each(model["accounts"], "accounts", ACCOUNT, lambda one, where: check_account(model, one, where))
    for name, texts in model["lists"].items():
        if not is_texts(texts):
            refuse(f"lists.{name} must be a list of texts.")
    check_each(model["users"], "users", USER, lambda one, where: check_user(model, one, where))
    for name, mix in model["mixes"].items():
        if not is_texts(mix):
            refuse(f"mixes.{name} must be a list of texts.")
        for user in mix:
            known(model["users"], user, f"mixes.{name}", "user")
    for name, stages in model["shapes"].items():
        if not isinstance(stages, list) or not stages:
            refuse(f"shapes.{name} must be a list that is not empty.")
        for at, stage in enumerate(stages):
            check_fields(f"shapes.{name}[{at}]", stage, fields("seconds:weight users:share"))
    check_smoke(model)
    for at, check in enumerate(model["target"]):
        check_fields(f"target[{at}]", check, TARGET)
        known(model["requests"], check["request"], f"target[{at}]", "request")


def check_account(model, account, where):
    if account.get("first", "login") not in ("login", "register"):
        refuse(f"{where}.first must be login or register.")
    for deed in ("login", "register"):
        known(model["requests"], account[deed], where, "request")


def check_request(model, request, where):
    if request["method"] not in ("GET", "POST"):
        refuse(f"{where}.method must be GET or POST.")
    if not re.match(r"(/|\{\w+\}$)", request["path"]):
        refuse(f'{where}.path must begin with "/": load goes to the target alone.')
    known(model["groups"], request["group"], where, "group")
    answer = request["answer"]
    for asker in model["askers"].values():
        like = asker["answersLike"]
        name = answer if is_text(answer) else answer.get(like)
        if name is None:
            refuse(f'{where}.answer does not say what "{like}" gets.')
        known(model["answers"], name, where, "answer")
    for name in request.get("sees", []):
        known(model["sights"], name, where, "sight")


def check_user(model, user, where):
    known(model["askers"], user["as"], where, "asker")
    if "account" in user:
        known(model["accounts"], user["account"], where, "account")
    given = ACCOUNT_VARIABLES if "account" in user else []
    check_steps(model, user.get("welcome", []), f"{where}.welcome", given)
    check_each(
        user["tasks"],
        f"{where}.tasks",
        TASK,
        lambda task, place: check_steps(model, task["steps"], place, given),
    )


def check_smoke(model):
    smoke = model["smoke"]
    check_fields("smoke", smoke, SMOKE)
    check_fields("smoke.account", smoke["account"], fields("name:text mailaddress:text password:text"))
    for asker in smoke["as"]:
        known(model["askers"], asker, "smoke", "asker")
    check_steps(model, smoke["steps"], "smoke", ACCOUNT_VARIABLES)


def check_steps(model, steps, where, given):
    """`given`: the variables that the steps around these ones have already chosen."""
    if not isinstance(steps, list):
        refuse(f"{where} must have lists of steps.")
    for step in steps:
        check_fields(f"a step of {where}", step, STEP)
        if sum(act in step for act in ("request", "pause", "steps", "oneOf")) != 1:
            refuse(f'a step of {where} must have one of "request", "pause", "steps" and "oneOf".')
        chosen = [*given, *step.get("with", {})]
        for name, source in step.get("with", {}).items():
            check_source(model, source, f"{where}, {{{name}}}")
        if "as" in step:
            known(model["askers"], step["as"], where, "asker")
        if "request" in step:
            known(model["requests"], step["request"], where, "request")
            for name in re.findall(r"\{(\w+)\}", model["requests"][step["request"]]["path"]):
                if name not in chosen:
                    refuse(f'{where} does not say where {{{name}}} of the request "{step["request"]}" comes from.')
        for inner in [step["steps"]] if "steps" in step else step.get("oneOf", []):
            check_steps(model, inner, where, chosen)


def check_source(model, source, where):
    if isinstance(source, dict) and is_text(source.get("of")):
        return known(model["lists"], source["of"], where, "list")
    if isinstance(source, dict) and is_text(source.get("seen")):
        return known(model["sights"], source["seen"], where, "sight")
    bounds = [source.get("from"), source.get("to")] if isinstance(source, dict) else None
    if bounds is None or not KINDS["counts"][0](bounds):
        refuse(f'{where} must come "of" a list, be "seen", or lie "from" one whole number "to" another.')
