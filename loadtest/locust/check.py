"""What a traffic model must look like: refuses a wrong one with one sentence that names the place.

../k6/check.js does the same in JavaScript, in the same words.
"""
import re

from fields import check_fields, fields, is_pattern, is_text, is_texts, known, refuse
from steps import check_requested, check_sources, check_steps, check_texts

PARTS = fields(
    "users:object mixes:object shapes:object accounts:object smoke:object target:list requests:object"
    " answers:object askers:object groups:object sights:named lists:object"
)
ANSWER = fields("status:statuses type?:text has?:texts lacks?:texts location?:text")
REQUEST = fields("method:text path:text name?:text group:text fields?:named answer:answer sees?:texts")
ACCOUNT = fields("count:whole name:text mailaddress:text password:text login:text register:text first?:text")
USER = fields("weight:weight wait:range as:text account?:text welcome?:list tasks:object")
TASK = fields("weight:weight atMost?:counts steps:list")
SMOKE = fields("users:whole as:texts pause:range account:object steps:list")
TARGET = fields("request:text times?:whole with?:object else:text")
ACCOUNT_VARIABLES = ["name", "mailaddress", "password"]


def check_model(model):
    """Raises WrongModel with one sentence when the model cannot be used."""
    check_fields("it", model, PARTS)
    check_each(model["groups"], "groups", fields("p95:weight bytes:weight"))
    check_each(model["askers"], "askers", fields("answersLike:text headers:named"), check_asker)
    check_each(model["answers"], "answers", ANSWER)
    check_each(model["requests"], "requests", REQUEST, lambda one, where: check_request(model, one, where))
    check_each(model["accounts"], "accounts", ACCOUNT, lambda one, where: check_account(model, one, where))
    for name, pattern in model["sights"].items():
        if not is_pattern(pattern):
            refuse(f"sights.{name} must be a regular expression.")
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
    known(model["accounts"], "demo", "target", "account")
    known(model["askers"], "program", "target", "asker")
    for at, check in enumerate(model["target"]):
        check_target(model, check, f"target[{at}]")


def check_asker(asker, where):
    check_texts(asker["headers"], ["target", "here"], f"{where}.headers")


def check_target(model, check, where):
    check_fields(where, check, TARGET)
    given = [*ACCOUNT_VARIABLES, *check_sources(model, check, where)]
    check_requested(model, check["request"], given, where)
    check_texts({"else": check["else"]}, [*given, "target", "status", "count"], where)


def check_account(model, account, where):
    if account.get("first", "login") not in ("login", "register"):
        refuse(f"{where}.first must be login or register.")
    for deed in ("login", "register"):
        check_requested(model, account[deed], ACCOUNT_VARIABLES, where)


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


def check_each(part, where, given, more=None):
    """Checks every entry of one part of the model."""
    if not part:
        refuse(f"{where} must not be empty.")
    for name, value in part.items():
        check_fields(f"{where}.{name}", value, given)
        if more:
            more(value, f"{where}.{name}")
