"""What a run leaves behind: failures with a trace id, thresholds, the slowest traces, the result as JSON.

../k6/summary.js says the same in the same words.
"""
import heapq
import json
import os
import secrets
import sys

from locust import events
from locust.runners import WorkerRunner

import target
from fields import give_up
from model import name_of

SLOWEST = 5
NO_LIMIT = {"p95": float("inf"), "bytes": float("inf")}  # for what a scenario of your own sends beside the model

slowest = []  # a heap of (ms, name, trace id); the fastest of the slowest is first
largest = {}  # bytes of the largest answer to each request
examples = {}


def new_traceparent():
    """A trace of our own. With --otel Locust's instrumentation replaces it by the span that it exports."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id_of(answer):
    """The trace of an answer: as the app says it, else as the request said it."""
    said = (answer.headers or {}).get("X-Trace-Id")
    if said:
        return said
    sent = getattr(answer, "request", None)
    return sent.headers.get("traceparent", "--").split("-")[1] if sent is not None else ""


def failure_of(request, problem, answer):
    """A message that is the same for equal failures, so that Locust counts them together: with the first one's trace."""
    key = (request["method"], name_of(request), problem)
    return f"{problem} (trace {examples.setdefault(key, trace_id_of(answer))})"


def limits_of(model):
    """The limits of each request's group; no p95 limit is below PATIENCE_MS: a busy machine needs some."""
    asked = os.environ.get("PATIENCE_MS") or "0"
    if not asked.isdecimal():
        give_up(f'PATIENCE_MS is "{asked}", but it must be a whole number.')
    groups = {
        name: {"p95": max(group["p95"], int(asked)), "bytes": group["bytes"]}
        for name, group in model["groups"].items()
    }
    return {(one["method"], name_of(one)): groups[one["group"]] for one in model["requests"].values()}


def listen(model):
    limits = limits_of(model)
    told = []

    @events.request.add_listener
    def remember(request_type, name, response_time, response, **_):
        where = f"{request_type} {name}"
        largest[where] = max(largest.get(where, 0), len(response.content or b""))
        entry = (response_time, where, (response.headers or {}).get("X-Trace-Id"))
        if entry[2] and len(slowest) < SLOWEST:
            heapq.heappush(slowest, entry)
        elif entry[2] and response_time > slowest[0][0]:
            heapq.heapreplace(slowest, entry)

    @events.test_start.add_listener
    def forget(**_):
        for kept in (slowest, largest, examples):
            kept.clear()

    @events.test_stop.add_listener
    def tell_page(environment, **_):
        """The page starts one run after the other: the terminal says of each how it went."""
        if environment.web_ui is not None:
            say(sentences_of(crossings(environment.stats, limits), environment.host))

    @events.quitting.add_listener
    def judge_run(environment, **_):
        if environment.web_ui is not None or isinstance(environment.runner, WorkerRunner):
            return
        rows = rows_of(environment.stats)
        crossed = crossings(environment.stats, limits) if rows else ["nothing was requested"]
        if crossed and not environment.process_exit_code:
            environment.process_exit_code = 99
        write({"generator": "locust", "requests": rows, "slowest": told_slowest(), "crossed": crossed})
        told.extend(sentences_of(crossed, environment.host) if rows else [])

    @events.quit.add_listener
    def tell_run(**_):
        """Below Locust's own tables."""
        say(told)


def say(sentences):
    """Where Locust's tables go, so that the order stays."""
    for sentence in sentences:
        print(sentence, file=sys.stderr)


def sentences_of(crossed, host):
    """How it went and, unless whoever reads OUT says so, where to look next."""
    kept = "All answers were right, all thresholds were kept."
    verdict = [f"Threshold crossed: {sentence}" for sentence in crossed] or [kept]
    if os.environ.get("OUT") or not slowest:
        return verdict
    traces = os.environ.get("TRACES") or f"{(host or target.STANDARD).rstrip('/')}/traces"
    lines = [f"{slow['ms']:8} ms  {slow['name']:30}  {traces}/{slow['trace']}" for slow in told_slowest()]
    return [*verdict, "The slowest requests and their traces:", *lines]


def rows_of(stats):
    return {
        f"{entry.method} {entry.name}": {
            "count": entry.num_requests,
            "failures": entry.num_failures,
            "rate": round(entry.total_rps, 2),
            "p50": entry.get_response_time_percentile(0.5) or 0,
            "p95": entry.get_response_time_percentile(0.95) or 0,
            "p99": entry.get_response_time_percentile(0.99) or 0,
        }
        for entry in stats.entries.values()
    }


def crossings(stats, limits):
    """A sentence for each request that failed, was slow, or was answered at length."""
    sentences = []
    for entry in stats.entries.values():
        where = f"{entry.method} {entry.name}"
        limit = limits.get((entry.method, entry.name), NO_LIMIT)
        p95, size = entry.get_response_time_percentile(0.95) or 0, largest.get(where, 0)
        if entry.num_failures:
            reason = next(
                error.error
                for error in stats.errors.values()
                if (error.method, error.name) == (entry.method, entry.name)
            )
            sentences.append(f"{where}: {entry.num_failures} of {entry.num_requests} failed, {reason}")
        if p95 >= limit["p95"]:
            sentences.append(f"{where}: p95 is {p95:.0f} ms, the limit is {limit['p95']:.0f} ms")
        if size >= limit["bytes"]:
            sentences.append(f"{where}: the largest answer has {size} bytes, the limit is {limit['bytes']:.0f}")
    return sentences


def told_slowest():
    return [{"ms": round(ms), "name": name, "trace": trace} for ms, name, trace in sorted(slowest, reverse=True)]


def write(result):
    if path := os.environ.get("OUT"):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
