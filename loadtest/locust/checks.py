"""A user whose client checks each answer."""
import json
import os
import random
import re
import secrets
from pathlib import Path

import gevent
from locust import HttpUser
from locust.clients import HttpSession

shared = json.loads((Path(__file__).parent.parent / "shared.json").read_text(encoding="utf-8"))
LIMITS = {name: group for group in shared["limits"].values() for name in group["requests"]}
TRACES = re.sub("localhost:(?=.*:)", "", os.environ["TRACES"]) + "/" if os.environ.get("TRACES") else ""  # HTTP_PORT may have an address
PACE = int(os.environ.get("PACE") or 1)
traces = {}  # of the first failure of each kind: equal failures are counted together


def is_html(r):
    return r.status_code == 200 and r.headers.get("Content-Type", "").startswith("text/html")


# The requirements for answers: as the message of a failure, and as a function.
PAGE = "a page", lambda r: is_html(r) and "</html>" in r.text and "Tracewren" in r.text
OWN_PAGE = "a page of a member", lambda r: PAGE[1](r) and 'action="/logout"' in r.text
PART = "a part of a page", lambda r: is_html(r) and "</html>" not in r.text
SUCCESS = "success", lambda r: r.status_code == 200 and b'"success":true' in r.content
SIGNED_IN = "303 to /timeline", lambda r: r.status_code == 303 and r.headers.get("Location") == "/timeline"
MEMBER_OR_NOBODY = "303 to /timeline, or 422", lambda r: r.status_code == 422 or SIGNED_IN[1](r)


class CheckedSession(HttpSession):
    """Sends the headers of `kind`, follows no redirect, checks the answer: `expect`, or the default of the kind."""

    def request(self, method, url, *, name=None, kind=None, expect=None, **options):
        user, kind, where = self.user, kind or self.user.kind, f"{method} {name or url}"
        usual = {"GET": OWN_PAGE if user.signed_in else PAGE, "POST": PART if kind == "htmx" else SUCCESS}
        wanted, is_right = expect or usual[method]
        most = LIMITS.get(where, {}).get("bytes", float("inf"))
        headers = user.headers(kind) | options.get("headers", {})
        options |= {"headers": headers, "allow_redirects": False, "timeout": 30, "catch_response": True}
        with super().request(method, url, name, **options) as r:
            size = len(r.content or b"")
            if is_right(r) and size <= most:
                r.success()
                if method == "GET" and kind == "browser":
                    user.here, user.page_trace = url, find(r.text, "page")
            else:
                wanted = f"at most {most} bytes" if is_right(r) else wanted
                got = f"{r.status_code}, {size} bytes" if r.error is None else f"no answer, {type(r.error).__name__}"
                problem = f"expected {wanted}, but got {got}"
                trace = (r.headers or {}).get("X-Trace-Id") or headers["traceparent"].split("-")[1]
                r.failure(f"{problem} (trace {TRACES}{traces.setdefault((where, problem), trace)})")
        return r


class Checked(HttpUser):
    abstract = True
    host = "http://127.0.0.1:5000"
    kind = "program"
    signed_in = False
    here, page_trace = "/", None

    def __init__(self, environment):
        super().__init__(environment)
        self.host = self.host.rstrip("/")
        self.client = CheckedSession(self.host, environment.events.request, self, pool_manager=self.pool_manager)
        self.client.trust_env = False  # no proxy
        wait_time = self.wait_time
        self.wait_time = lambda: wait_time() / PACE

    def headers(self, kind):
        trace = {"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}
        if kind == "program":
            return {"Accept": "*/*", **trace}
        here = self.host + self.here
        browser = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Referer": here, **trace}
        htmx = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Current-URL": here, "X-Page-Trace": self.page_trace}
        return browser | htmx if kind == "htmx" else browser

    def account(self, kind, last):
        name = f"{kind}{random.randint(1, last):04d}"
        return {"name": name, "mailaddress": f"{name}@test.com", "password": "password123"}

    def visit(self, path, low=0, high=0, name=None):
        """Requests a page as a browser does, then waits while the user reads it."""
        html = self.client.get(path, name=name, kind="browser").text
        self.pause(low, high)
        return html

    def pause(self, low, high):
        gevent.sleep(random.uniform(low, high) / PACE)


def find(html, pattern):
    """A random match of a pattern of shared.json on a page; None if there is none."""
    found = re.findall(shared["patterns"][pattern], html)
    return random.choice(found).replace("&amp;", "&") if found else None
