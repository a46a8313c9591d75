"""Users that send requests as browsers do, and the five users of the original application with all answers checked.

    locust -f loadtest/locust/locustfile.py --class-picker --host http://127.0.0.1:5000

Environment: SHAPE (Ramp, Spike, Soak, or "pick" for Locust's web page; default: --users, --spawn-rate and --run-time),
PACE (10: all waits are ten times shorter), TRACES (the URL of the traces that failures name), LOAD_USERS (with the web page:
how many DemoReaders start by themselves).
"""
import logging
import os
import random
import time
from urllib.request import ProxyHandler, build_opener

from locust import between, events, task

import original
from checks import MEMBER_OR_NOBODY, OWN_PAGE, PART, SIGNED_IN, Checked, find, shared
from shapes import *  # noqa: F403


class Member(Checked):
    abstract = True

    def on_start(self):
        while not self.signed_in:
            account = self.account("user", 100)
            answer = self.client.post("/login", {**account, "name": None}, expect=MEMBER_OR_NOBODY)
            if answer.status_code == 422:
                answer = self.client.post("/register", account, expect=SIGNED_IN)
            self.signed_in = answer.status_code == 303 or self.wait()


class RealisticUser(Member, original.RealisticUser): ...
class LurkerUser(Member, original.LurkerUser): ...
class APIStressUser(Member, original.APIStressUser): ...
class DatabaseStressUser(Member, original.DatabaseStressUser): ...
class AnonymousUser(Checked, original.AnonymousUser): ...


class Reader(Checked):
    """Registers, which signs in an existing user; then reads pages and clicks on them."""

    abstract = True
    kind = "htmx"

    def on_start(self):
        while not self.signed_in:
            answer = self.client.post("/register", self.account("reader", 1000), expect=SIGNED_IN)
            self.signed_in = answer.status_code == 303 or self.wait()
        for _ in range(random.randint(*self.first_follows)):
            self.client.post(f"/follow/{random.randint(1, 100)}", name="/follow/[id] (newcomer)")

    def read_on(self, html, times):
        """Loads more of the timeline up to `times` times; returns the last part."""
        while times > 0 and (more := find(html, "more")):
            html = self.client.get(more, name="/timeline?before=[id]", expect=PART).text
            self.pause(1, 3)
            times -= 1
        return html

    def press(self, action, id):
        """Runs the action only if the page has such a button."""
        if id:
            self.client.post(f"/{action}/{id}", name=f"/{action}/[id]")

    def write(self, html):
        self.client.post("/tweet", {"msg": random.choice(shared["texts"]), "key": find(html, "key")})

    def search(self, words):
        return self.client.get(f"/search?q={random.choice(words)}", name="/search?q=[words]", expect=PART).text


class TimelineReader(Reader):
    weight = 7
    wait_time = between(4, 12)
    first_follows = (8, 12)

    @task(12)
    def read(self):
        html = self.read_on(self.visit("/timeline", 1, 3), random.randint(0, 4))
        if random.random() < 0.12:
            self.press("favorite", find(html, "likeable"))
        if random.random() < 0.4 and (tweet := find(html, "tweet")):
            self.visit(f"/tweet/{tweet}", 1, 3, name="/tweet/[id]")
        if random.random() < 0.04:
            self.write(self.visit("/timeline", 3, 6))

    @task(3)
    def get_to_know_somebody(self):
        if handle := find(self.visit("/", 1, 3), "handle"):
            html = self.visit(f"/@{handle}", 1, 3, name="/@[handle]")
            if random.random() < 0.5:
                self.visit(f"/@{handle}/likes", name="/@[handle]/likes")
            if random.random() < 0.2:
                self.press("follow", find(html, "followable"))

    @task(2)
    def search_as_you_type(self):
        self.visit("/search", 1, 2)
        for _ in range(random.randint(2, 4)):
            self.search(shared["beginnings"])
            self.pause(0.3, 0.6)
        html = self.search(shared["words"])
        if random.random() < 0.1:
            self.press("favorite", find(html, "likeable"))

    @task(1)
    def look_after_own_things(self):
        html = self.visit("/favorites", 1, 3)
        if random.random() < 0.2:
            self.press("unfavorite", find(html, "liked"))
        self.visit("/followers", 1, 3)
        self.visit("/following")


class TimelineWriter(Reader):
    weight = 1
    wait_time = between(5, 15)
    first_follows = (15, 25)

    @task(4)
    def converse(self):
        html = self.visit("/timeline", 2, 5)
        if random.random() < 0.4:
            self.write(html)
        self.pause(1, 3)
        last = self.read_on(html, random.randint(1, 3))
        if random.random() < 0.5:
            self.press("favorite", find(last, "likeable"))

    @task(1)
    def think_again(self):
        if own := find(self.visit("/timeline", 1, 3), "own"):
            self.visit(f"/tweet/{own}", 1, 2, name="/tweet/[id]")
            if random.random() < 0.3:
                self.client.post(f"/tweet/{own}/delete", name="/tweet/[id]/delete")


class TimelineVisitor(Checked):
    weight = 2
    wait_time = between(3, 10)
    kind = "browser"

    @task(3)
    def look_around(self):
        html = self.visit("/", 1, 4)
        if random.random() < 0.7 and (tweet := find(html, "tweet")):
            self.visit(f"/tweet/{tweet}", name="/tweet/[id]")
        self.pause(1, 4)
        if random.random() < 0.5 and (handle := find(html, "handle")):
            self.visit(f"/@{handle}", name="/@[handle]")

    @task(1)
    def think_about_joining(self):
        self.client.get("/register")


class DemoReader(Checked):
    """Reads as a demo person and never writes. All of them together send at most one request a second."""

    html, next_turn = "", 0

    def wait_time(self):
        DemoReader.next_turn = max(DemoReader.next_turn + 1, now := time.monotonic())
        return DemoReader.next_turn - now

    def on_start(self): self.wait()

    @task
    def take_a_turn(self):
        if not self.signed_in:
            account = {"mailaddress": f"user{random.randint(1, 100):04d}@example.com", "password": "password123"}
            self.signed_in = self.client.post("/login", account, expect=SIGNED_IN).status_code == 303
            return
        names = {f"/tweet/{find(self.html, 'tweet') or 1}": "/tweet/[id]"}
        path = random.choice(["/", "/timeline", "/favorites", "/followers", *names])
        answer = self.client.get(path, name=names.get(path), kind="browser")
        self.html, self.signed_in = answer.text, OWN_PAGE[1](answer)


@events.init.add_listener
def start_readers(environment, runner, web_ui, **_):
    host, users = environment.host or Checked.host, int(os.environ.get("LOAD_USERS") or 0)
    if users == 0 or not web_ui: return
    try:
        html = build_opener(ProxyHandler({})).open(f"{host}/login", timeout=10).read()
        problem = "" if b"password123" in html else "offers no demo accounts"
    except OSError as error:
        problem = f"does not answer ({error})"
    if problem:
        return logging.warning(f"LOAD_USERS={users}: {host} {problem}, so no user starts by itself. Start users on the page.")
    environment.user_classes = [DemoReader]
    runner.start(users, 1)
