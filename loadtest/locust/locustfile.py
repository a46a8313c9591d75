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
from checks import MEMBER_OR_NOBODY, OWN_PAGE, PART, SIGNED_IN, Checked, chance, find, shared
from shapes import *  # noqa: F403


class Member(Checked):
    abstract = True

    def on_start(self):
        while not self.signed_in:
            account = self.account("user", 100)
            answer = self.client.post("/login", {**account, "name": None}, expect=MEMBER_OR_NOBODY)
            if answer.status_code == 422: answer = self.client.post("/register", account, expect=SIGNED_IN)
            self.signed_in = answer.status_code == 303 or self.wait()


class RealisticUser(Member, original.RealisticUser): ...
class LurkerUser(Member, original.LurkerUser): ...
class APIStressUser(Member, original.APIStressUser): ...
class DatabaseStressUser(Member, original.DatabaseStressUser): ...
class AnonymousUser(Checked, original.AnonymousUser): ...


class Reader(Checked):
    """Registers, which signs in an existing user; then reads pages and clicks on them."""

    abstract, kind = True, "htmx"

    def on_start(self):
        while not self.signed_in:
            answer = self.client.post("/register", self.account("reader", 1000), expect=SIGNED_IN)
            self.signed_in = answer.status_code == 303 or self.wait()
        for _ in range(random.randint(*self.first_follows)): self.client.post(f"/follow/{random.randint(1, 100)}", name="/follow/[id] (newcomer)")

    def read_on(self, html, times):
        """Loads more of the timeline up to `times` times; returns the last part."""
        if times == 0 or not (more := find(html, "more")): return html
        html = self.client.get(more, expect=PART).text
        self.pause(1, 3)
        return self.read_on(html, times - 1)

    def press(self, html, action):
        """Presses a button, if the page has one; returns its id."""
        if id := find(html, action): self.client.post(f"/{action}/{id}")
        return id

    def write(self, html, name="/tweet", **more):
        self.client.post("/tweet", {"msg": random.choice(shared["texts"]), "key": find(html, "key"), **more}, name=name)

    def open(self, id, share=0):
        """Opens a thread, and answers with this probability."""
        html = self.visit(f"/tweet/{id}", 1, 3)
        if chance(share): self.write(html, "/tweet (reply)", reply_to=id)

    def search(self, words): return self.client.get(f"/search?q={random.choice(words)}", expect=PART).text


class TimelineReader(Reader):
    weight, wait_time, first_follows = 7, between(4, 12), (8, 12)

    @task(12)
    def read(self):
        html = self.read_on(self.visit("/timeline", 1, 3), random.randint(0, 4))
        if chance(0.12): self.press(html, "favorite")
        if chance(0.4) and (tweet := find(html, "tweet")): self.open(tweet, 0.1)
        if chance(0.04): self.write(self.visit("/timeline", 3, 6))
        if chance(0.05) and (id := self.press(html, "retweet")) and chance(0.25):
            self.client.post(f"/unretweet/{id}")
        if chance(0.02) and (id := find(html, "tweet")): self.write(self.visit(f"/post?quote={id}", 3, 6), "/tweet (quote)", quote=id)

    @task(3)
    def get_to_know_somebody(self):
        if handle := find(self.visit("/", 1, 3), "handle"):
            html = self.visit(f"/@{handle}", 1, 3)
            if chance(0.5): self.visit(f"/@{handle}/likes")
            if chance(0.2): self.press(html, "follow")

    @task(2)
    def search_as_you_type(self):
        self.visit("/search", 1, 2)
        for _ in range(random.randint(2, 4)):
            self.search(shared["beginnings"])
            self.pause(0.3, 0.6)
        html = self.search(shared["words"])
        if chance(0.1): self.press(html, "favorite")
        if chance(0.3): self.visit(f"/tag/{random.choice(shared['tags'])}", 1, 3)

    @task(1)
    def look_after_own_things(self):
        self.visit("/notifications", 1, 3)
        html = self.visit("/favorites", 1, 3)
        if chance(0.2): self.press(html, "unfavorite")
        self.visit("/followers", 1, 3)
        self.visit("/following")


class TimelineWriter(Reader):
    weight, wait_time, first_follows = 1, between(5, 15), (15, 25)

    @task(4)
    def converse(self):
        html = self.visit("/timeline", 2, 5)
        if chance(0.4): self.write(html)
        self.pause(1, 3)
        last = self.read_on(html, random.randint(1, 3))
        if chance(0.5): self.press(last, "favorite")
        if chance(0.5) and (tweet := find(last, "tweet")): self.open(tweet, 0.5)

    @task(1)
    def think_again(self):
        if own := find(self.visit("/timeline", 1, 3), "own"):
            self.visit(f"/tweet/{own}", 1, 2)
            if chance(0.3): self.client.post(f"/tweet/{own}/delete")


class TimelineVisitor(Checked):
    weight, wait_time, kind = 2, between(3, 10), "browser"

    @task(3)
    def look_around(self):
        html = self.visit("/", 1, 4)
        if chance(0.7) and (tweet := find(html, "tweet")): self.visit(f"/tweet/{tweet}", 1, 3)
        self.pause(0, 2)
        if chance(0.15): self.visit(f"/tag/{random.choice(shared['tags'])}")
        if chance(0.5) and (handle := find(html, "handle")): self.visit(f"/@{handle}")

    @task(1)
    def think_about_joining(self): self.client.get("/register")


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
        path = random.choice(["/", "/timeline", "/favorites", "/followers", f"/tweet/{find(self.html, 'tweet') or 1}"])
        answer = self.client.get(path, kind="browser")
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
