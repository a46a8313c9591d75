"""Locust's report for bin/load.ts at the end: all numbers, in the file OUT, and the slowest requests with traces."""
import json
import os
import sys

import gevent
from locust import events
from locust.runners import WorkerRunner

slowest = []


@events.init.add_listener
def set_clock(**_):
    """Updates gevent's clock: else Locust would count --run-time from before the imports, seconds ago."""
    gevent.get_hub().loop.update_now()


@events.request.add_listener
def keep_slowest(request_type, name, response_time, response, **_):
    if trace := (response.headers or {}).get("X-Trace-Id"):
        slowest.append((round(response_time), f"{request_type} {name}", trace))
        slowest.sort(reverse=True)
        del slowest[5:]


@events.quitting.add_listener
def tell(environment, **_):
    for ms, name, trace in slowest:
        print(f"Slow: {name}, {ms} ms (trace {trace})", file=sys.stderr)
    # Workers send their numbers to the master.
    if (out := os.environ.get("OUT")) and not isinstance(environment.runner, WorkerRunner):
        with open(out, "w", encoding="utf-8") as file:
            json.dump(environment.stats.serialize_stats(), file)
