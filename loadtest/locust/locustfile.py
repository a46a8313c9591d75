"""The users of the traffic model (../model.json) as Locust classes. Nothing about traffic is written here.

    locust -f loadtest/locust/locustfile.py --class-picker --host http://127.0.0.1:5000

Environment: MODEL (another model), SHAPE (ramp, spike or soak; without it --users, --spawn-rate and --run-time count),
PATIENCE_MS (no p95 limit is below it), OUT (a file for the result as JSON), TRACES (where a person finds the traces).
"""
import os

from locust import between

import report
import shapes
import target
from fields import WrongModel, give_up
from model import STANDARD, read_model
from traffic import ModelUser

try:
    model = read_model(os.environ.get("MODEL") or STANDARD)
except WrongModel as wrong:
    give_up(wrong)


def task_of(name, task):
    """A function for Locust: what the class picker and the task ratio call by its name."""

    def run(user):
        if user.may_do(name, task):
            user.walk(task["steps"])

    run.__name__ = name
    return run


def class_of(name, kind):
    tasks = {task_of(task_name, task): task["weight"] for task_name, task in kind["tasks"].items()}
    members = {"weight": kind["weight"], "wait_time": between(*kind["wait"]), "tasks": tasks}
    return type(name, (ModelUser,), {**members, "model": model, "kind": kind, "__module__": __name__})


globals().update({name: class_of(name, kind) for name, kind in model["users"].items()})
globals().update(shapes.of_model(model, os.environ.get("SHAPE")))
target.listen(model)
report.listen(model)
