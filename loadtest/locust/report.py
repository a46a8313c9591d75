"""What a run leaves behind: failures with a trace id, thresholds, the slowest traces, the result as JSON."""
import heapq
import json
import os
import secrets

from locust import events

from model import name_of

SLOWEST = 5

slowest = []  # a heap of (ms, name, trace id); the fastest of the slowest is first
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


def listen(model):
    limits = {}
    for request in model["requests"].values():
        group = model["groups"][request["group"]]
        patience = float(os.environ.get("PATIENCE_MS") or 0)
        limits[request["method"], name_of(request)] = max(group["p95"], patience)

    @events.request.add_listener
    def remember(request_type, name, response_time, response, **_):
        entry = (response_time, f"{request_type} {name}", (response.headers or {}).get("X-Trace-Id"))
        if entry[2] and len(slowest) < SLOWEST:
            heapq.heappush(slowest, entry)
        elif entry[2] and response_time > slowest[0][0]:
            heapq.heapreplace(slowest, entry)

    @events.test_start.add_listener
    def forget(**_):
        slowest.clear()
        examples.clear()

    @events.quitting.add_listener
    def tell(environment, **_):
        rows = rows_of(environment.stats)
        crossed = crossings(environment.stats, limits) if rows else ["nothing was requested"]
        for sentence in crossed:
            print(f"Threshold crossed: {sentence}")
        if crossed and not environment.process_exit_code:
            environment.process_exit_code = 99
        write({"generator": "locust", "requests": rows, "slowest": told_slowest(), "crossed": crossed})


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
    """A sentence for each failing or slow request."""
    sentences = []
    for entry in stats.entries.values():
        where = f"{entry.method} {entry.name}"
        if entry.num_failures:
            reasons = [
                error.error
                for error in stats.errors.values()
                if error.name == entry.name and error.method == entry.method
            ]
            sentences.append(f"{where}: {entry.num_failures} of {entry.num_requests} failed, {reasons[0] if reasons else ''}")
        p95, limit = entry.get_response_time_percentile(0.95) or 0, limits.get((entry.method, entry.name))
        if limit is not None and p95 > limit:
            sentences.append(f"{where}: p95 {p95:.0f} ms, above {limit:.0f} ms")
    return sentences


def told_slowest():
    return [{"ms": round(ms), "name": name, "trace": trace} for ms, name, trace in sorted(slowest, reverse=True)]


def write(result):
    if path := os.environ.get("OUT"):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
