"""The traffic model (../model.json): reads and checks it, and says of each answer whether it is the right one.

../k6/model.js does the same in JavaScript. Run as a program, it only checks models: `python model.py [FILE ...]`.
"""
import json
import random
import re
import sys
from pathlib import Path
from urllib.parse import quote

from check import check_model
from fields import WrongModel, is_text

STANDARD = Path(__file__).resolve().parent.parent / "model.json"


def no_json(constant):
    """NaN and Infinity, which Python's reader would take."""
    raise ValueError(f"{constant} is none")


def read_model(path=STANDARD):
    """Parses and checks a model; raises WrongModel with one sentence that names what is wrong."""
    try:
        model = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=no_json)
    except OSError as error:
        raise WrongModel(f"The model {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise WrongModel(f"The model is not JSON: {error}.") from error
    check_model(model)
    return model


def name_of(request):
    """What a request is called in every report, without its method: `/user/[id]`."""
    return request.get("name") or re.sub(r"\{(\w+)\}", r"[\1]", request["path"])


def choose(model, source, seen):
    """The value that a variable gets; None when it must be seen and nothing was."""
    if "from" in source:
        return str(random.randint(source["from"], source["to"]))
    options = model["lists"][source["of"]] if "of" in source else seen.get(source["seen"])
    return random.choice(options) if options else None


def fill(template, variables, encode=lambda value: value):
    """A text with its variables, `{id}` or `{key?}`, filled in; None when one of them has no value."""
    if any(variables.get(name) is None for name in re.findall(r"\{(\w+)\??\}", template)):
        return None
    return re.sub(r"\{(\w+)\??\}", lambda found: encode(str(variables[found[1]])), template)


def path_of(request, variables):
    """The path of a request. A path that is one variable was seen on a page and is taken as it is, but never off the site."""
    path = request["path"]
    if re.fullmatch(r"\{\w+\}", path):
        return re.sub(r"^(?!/)", "/", fill(path, variables))
    return fill(path, variables, lambda value: quote(value, safe=""))


def fill_all(templates, variables):
    """Fields or headers with their variables filled in; those without a value are left out."""
    filled = {name: fill(template, variables) for name, template in templates.items()}
    return {name: value for name, value in filled.items() if value is not None}


def account_of(account, number):
    """The account with this number: user0007 has 7."""
    variables = {"number": f"{number:04d}"}
    return {
        "name": fill(account["name"], variables),
        "mailaddress": fill(account["mailaddress"], variables),
        "password": account["password"],
    }


def expected_of(model, request, asker):
    """What the model expects as answer to a request by such an asker."""
    answer = request["answer"]
    return model["answers"][answer if is_text(answer) else answer[model["askers"][asker]["answersLike"]]]


def judge(expected, status, headers, body):
    """What is wrong with an answer, in a few words; None when it is as expected."""
    if status == 0:
        return "no answer"
    if status not in expected["status"]:
        return f"answered {status}, not {' or '.join(map(str, expected['status']))}"
    location = expected.get("location")
    if location is not None and 300 <= status < 400:
        path = re.sub(r"[?#].*", "", headers.get("Location", ""))
        if (not path.startswith("/")) if location == "*" else path != location:
            return f"led to {path}, not {location}"
    kind = headers.get("Content-Type", "")
    if not kind.startswith(expected.get("type", "")):
        return f"answered with {kind or 'no type'}, not {expected['type']}"
    for text in expected.get("has", []):
        if text not in body:
            return f"answered {status} with another page: it lacks {text}"
    for text in expected.get("lacks", []):
        if text in body:
            return f"answered {status} with another page: it has {text}"
    return None


def look(model, request, body, seen):
    """Keeps what a user sees in an answer and may click on next."""
    for name in request.get("sees", []):
        seen[name] = [found.replace("&amp;", "&") for found in re.findall(model["sights"][name], body)]


if __name__ == "__main__":
    wrong_ones = 0
    for file in sys.argv[1:] or [STANDARD]:
        try:
            read_model(file)
        except WrongModel as wrong:
            wrong_ones += 1
            print(wrong, file=sys.stderr)
    sys.exit(min(wrong_ones, 1))
