"""The load shapes of the model as Locust classes: `Ramp`, `Spike`, `Soak`. Their peak is --users, 100 without it."""
from locust import LoadTestShape

from fields import give_up

PEAK = 100


def of_model(model, asked):
    """The classes that Locust shall find: the one that is asked for, none without a word, all with `pick`."""
    if not asked:
        return {}
    if asked != "pick" and asked not in model["shapes"]:
        give_up(f'There is no shape "{asked}"; shapes: {", ".join(model["shapes"])}.')
    names = list(model["shapes"]) if asked == "pick" else [asked]
    return {name.capitalize(): shape_of(name, model["shapes"][name]) for name in names}


def shape_of(name, stages):
    def tick(self):
        options = getattr(self.runner.environment, "parsed_options", None)
        peak = getattr(options, "users", None) or getattr(options, "num_users", None) or PEAK
        return stage_at(stages, self.get_run_time(), peak)

    return type(name.capitalize(), (LoadTestShape,), {"tick": tick, "use_common_options": True})


def stage_at(stages, seconds, peak):
    """How many users there are then, and how fast they come or go; None when all is over. Straight lines, as in k6."""
    before = 0
    for stage in stages:
        if seconds < stage["seconds"]:
            aim = stage["users"] * peak
            users = before + (aim - before) * seconds / stage["seconds"]
            return round(users), max(1, abs(aim - before) / stage["seconds"])
        seconds -= stage["seconds"]
        before = stage["users"] * peak
    return None
