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


def is_html(r): return r.status_code == 200 and r.headers.get("Content-Type", "").startswith("text/html")


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
        name = name or name_of(url)
        user, kind, where = self.user, kind or self.user.kind, f"{method} {name}"
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
    host, kind = "http://127.0.0.1:5000", "program"
    signed_in, here, page_trace = False, "/", None

    def __init__(self, environment):
        super().__init__(environment)
        self.host = self.host.rstrip("/")
        self.client = CheckedSession(self.host, environment.events.request, self, pool_manager=self.pool_manager)
        self.client.trust_env = False  # no proxy
        wait_time = self.wait_time
        self.wait_time = lambda: wait_time() / PACE

    def headers(self, kind):
        trace = {"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}
        if kind == "program": return {"Accept": "*/*", **trace}
        here = self.host + self.here
        browser = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Referer": here, **trace}
        htmx = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Current-URL": here, "X-Page-Trace": self.page_trace}
        return browser | htmx if kind == "htmx" else browser

    def account(self, kind, last):
        name = f"{kind}{random.randint(1, last):04d}"
        return {"name": name, "mailaddress": f"{name}@test.com", "password": "password123"}

    def visit(self, path, low=0, high=0):
        """Requests a page as a browser does, then waits while the user reads it."""
        html = self.client.get(path, kind="browser").text
        self.pause(low, high)
        return html

    def pause(self, low, high): gevent.sleep(random.uniform(low, high) / PACE)


def name_of(path):
    """The name of a path in reports: `/user/[id]` for any id."""
    for pattern, label in shared["labels"]:
        path = re.sub(pattern, label, path, count=1)
    return path


def chance(share): return random.random() < share


def find(html, name):
    """A random match of a pattern of shared.json, or of a button by its action; None if the page has none."""
    patterns = shared["patterns"]
    found = re.findall(patterns.get(name) or patterns["button"].replace("ACTION", name), html)
    return random.choice(found).replace("&amp;", "&") if found else None
