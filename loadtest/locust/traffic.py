"""A user of the model: signs in, walks the steps of a task, judges every answer."""
import random

import gevent
from locust import HttpUser

import report
import target
from model import account_of, choose, expected_of, fill_all, judge, look, name_of, path_of

TIMEOUT = 30


class NothingSeen(Exception):
    """A step wants what no page has shown: a person would not click there either."""


class ModelUser(HttpUser):
    abstract = True
    host = target.STANDARD
    model: dict
    kind: dict

    def on_start(self):
        # A proxy of the environment would take the load elsewhere.
        self.client.trust_env = False
        # Locust would ask for `http://host//timeline`.
        self.client.base_url = self.host = self.host.rstrip("/")
        self.seen = {}
        self.here = "/"
        self.variables = {"target": self.host}
        self.left = {
            name: random.randint(*task["atMost"]) for name, task in self.kind["tasks"].items() if "atMost" in task
        }
        # Who is not let in tries again: every page asked for without a session would only repeat that one failure.
        while "account" in self.kind and not self.sign_in(self.model["accounts"][self.kind["account"]]):
            gevent.sleep(random.uniform(*self.kind["wait"]))

    def sign_in(self, account):
        """Logs in; whom nobody knows yet registers, and is welcomed. False when both fail.

        Accounts that are mostly new register first: a refused login costs the server as much as an accepted one.
        """
        self.variables.update(account_of(account, random.randint(1, account["count"])))
        for way in ("register", "login") if account.get("first") == "register" else ("login", "register"):
            status = self.send(account[way], self.kind["as"], {})
            if status == 422:
                continue
            if status and way == "register":
                self.walk(self.kind.get("welcome", []))
            return status != 0
        return False

    def may_do(self, name, task):
        """Some tasks are done only so many times in a session."""
        if "atMost" not in task:
            return True
        self.left[name] -= 1
        return self.left[name] >= 0

    def walk(self, steps, chosen=None):
        for step in steps:
            if random.random() >= step.get("chance", 1):
                continue
            for _ in range(random.randint(*step.get("times", [1, 1]))):
                try:
                    self.take(step, dict(chosen or {}))
                except NothingSeen:
                    break

    def take(self, step, chosen):
        for name, source in step.get("with", {}).items():
            chosen[name] = choose(self.model, source, self.seen)
            if chosen[name] is None:
                raise NothingSeen(name)
        if "pause" in step:
            gevent.sleep(random.uniform(*step["pause"]))
        elif "request" in step:
            self.send(step["request"], step.get("as", self.kind["as"]), chosen)
        else:
            self.walk(step["steps"] if "steps" in step else random.choice(step["oneOf"]), chosen)

    def send(self, request_name, asker, chosen):
        """Sends one request and reports it as right or wrong; gives the status of a right answer, else 0."""
        request = self.model["requests"][request_name]
        pages = self.seen.get("page") or [None]
        variables = {**self.variables, "here": self.here, "page": pages[0], **chosen}
        path = path_of(request, variables)
        headers = fill_all(self.model["askers"][asker]["headers"], variables)
        headers.setdefault("traceparent", report.new_traceparent())
        fields = fill_all(request["fields"], variables) if "fields" in request else None
        with self.client.request(
            request["method"],
            path,
            name=name_of(request),
            data=fields,
            headers=headers,
            allow_redirects=False,
            timeout=TIMEOUT,
            catch_response=True,
        ) as answer:
            # Not `answer.text`: it guesses the encoding of JSON, slowly.
            body = (answer.content or b"").decode("utf-8", "replace")
            problem = judge(expected_of(self.model, request, asker), answer.status_code, answer.headers, body)
            if answer.error is not None:
                problem = f"{problem}: {target.reason_of(answer.error)}"
            if problem:
                answer.failure(report.failure_of(request, problem, answer))
            else:
                answer.success()
                look(self.model, request, body, self.seen)
                if request["method"] == "GET" and asker == "browser":
                    self.here = path
            return 0 if problem else answer.status_code
