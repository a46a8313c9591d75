"""Load shapes. SHAPE selects one; "pick" offers all on Locust's web page. Their peak is --users, default 100."""
import os

from locust import LoadTestShape


class Stages(LoadTestShape):
    abstract = True
    use_common_options = True

    def __init_subclass__(cls):
        cls.abstract = os.environ.get("SHAPE", "").lower() not in ("pick", cls.__name__.lower())

    def tick(self):
        peak = getattr(self.runner.environment.parsed_options, "num_users", None) or 100
        begin, before = 0, 0
        for end, share in self.stages:
            if self.get_run_time() < end:
                return round(share * peak), max(abs(share - before) * peak / (end - begin), 0.1)
            begin, before = end, share


# Seconds since the start, and the share of the peak that is reached by then.
class Ramp(Stages): stages = [(60, 0.25), (120, 0.5), (180, 0.75), (240, 1)]
class Spike(Stages): stages = [(60, 0.1), (70, 1), (120, 1), (130, 0.1), (180, 0.1)]
class Soak(Stages): stages = [(60, 0.5), (3600, 0.5)]
