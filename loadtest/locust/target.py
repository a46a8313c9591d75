"""Looks at the target before the users come: says in one sentence what would make the load pointless."""
import re
import sys

import requests
from gevent import GreenletExit
from locust import events
from locust.runners import WorkerRunner

from fields import give_up
from model import account_of, choose, expected_of, fill, fill_all, judge, path_of


STANDARD = "http://127.0.0.1:5000"


def listen(model):
    @events.init.add_listener
    def before_all(environment, runner, web_ui, **_):
        if web_ui is None and not isinstance(runner, WorkerRunner):
            if problem := problem_of(model, environment.host or STANDARD):
                give_up(problem)

    @events.test_start.add_listener
    def before_each(environment, **_):
        """The page starts one run after the other, each against the host that is written there."""
        if environment.web_ui is None:
            return
        if problem := problem_of(model, environment.host or STANDARD):
            print(problem, file=sys.stderr)
            environment.runner.log_exception("local", problem, "")
            raise GreenletExit


def problem_of(model, target):
    """The sentence of the first check that the target fails; None when it is ready."""
    if not re.fullmatch(r"https?://[^/?#@\s]+/?", target):
        return f'The target is "{target}", but it must be an address such as {STANDARD}.'
    session = requests.Session()
    session.trust_env = False
    account = account_of(model["accounts"]["demo"], 1)
    for check in model["target"]:
        request = model["requests"][check["request"]]
        for count in range(1, check.get("times", 1) + 1):
            chosen = {name: choose(model, source, {}) for name, source in check.get("with", {}).items()}
            variables = {**account, **chosen, "target": target, "here": "/"}
            try:
                answer = session.request(
                    request["method"],
                    target.rstrip("/") + path_of(request, variables),
                    data=fill_all(request.get("fields", {}), variables) or None,
                    headers=fill_all(model["askers"]["program"]["headers"], variables),
                    allow_redirects=False,
                    timeout=10,
                )
            except requests.RequestException as error:
                return f"Nothing answers at {target} ({reason_of(error)}). Start it with `npm start`, or name another target."
            expected = expected_of(model, request, "program")
            if judge(expected, answer.status_code, answer.headers, answer.content.decode("utf-8", "replace")):
                return fill(check["else"], {**variables, "status": answer.status_code, "count": count})
    return None


def reason_of(error):
    """`Connection refused` instead of a chain of five exceptions."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return getattr(error, "strerror", None) or type(error).__name__
