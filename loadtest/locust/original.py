"""The five users of the original application's locustfile, with its names, weights and waits, in plain Locust."""
import random

from locust import HttpUser, between, task

TEXTS = ["Just testing the timeline", "Good morning everyone!", "What a lovely day", "Coffee time", "Anyone else awake?"]
WORDS = ["test", "coffee", "morning", "book", "day", "new"]


class Member(HttpUser):
    abstract = True

    def on_start(self):
        name = f"user{random.randint(1, 100):04d}"
        account = {"mailaddress": f"{name}@test.com", "password": "password123"}
        # Without `with`, Locust does not count this request.
        if self.client.post("/login", account, catch_response=True).status_code != 302:
            self.client.post("/register", {"name": name, **account})

    def act_on(self, action, last):
        headers = {"Content-Type": "application/json"}
        self.client.post(f"/{action}/{random.randint(1, last)}", name=f"/{action}/[id]", headers=headers)


class RealisticUser(Member):
    weight, wait_time = 3, between(3, 10)

    def __init__(self, environment):
        super().__init__(environment)
        self.tweets_left = random.randint(3, 15)

    @task(10)
    def browse_timeline(self): self.client.get("/timeline")
    @task(5)
    def check_trends(self): self.client.get("/")
    @task(3)
    def post_tweet_conditionally(self):
        self.tweets_left -= 1
        if self.tweets_left >= 0: self.client.post("/tweet", {"msg": random.choice(TEXTS)})
    @task(2)
    def search_content(self): self.client.get(f"/search?q={random.choice(WORDS)}", name="/search?q=[words]")
    @task(2)
    def view_own_profile(self): self.client.get(f"/user/{random.randint(1, 5)}", name="/user/[id]")
    @task(1)
    def check_favorites(self): self.client.get("/favorites")
    @task(1)
    def social_interactions(self): self.act_on(*random.choice([("favorite", 50), ("follow", 10)]))


class LurkerUser(Member):
    weight, wait_time = 4, between(5, 15)

    @task(8)
    def browse_timeline(self): self.client.get("/timeline")
    @task(3)
    def check_trends(self): self.client.get("/")
    @task(2)
    def browse_profiles(self): self.client.get(f"/user/{random.randint(1, 10)}", name="/user/[id]")
    @task(1)
    def search_content(self): self.client.get(f"/search?q={random.choice(WORDS)}", name="/search?q=[words]")


class APIStressUser(Member):
    weight, wait_time = 1, between(0.1, 0.5)

    @task(5)
    def rapid_tweet_posting(self): self.client.post("/tweet", {"msg": random.choice(TEXTS)})
    @task(3)
    def rapid_favorite_actions(self): self.act_on("favorite", 100)
    @task(2)
    def rapid_follow_actions(self): self.act_on("follow", 20)
    @task(1)
    def rapid_unfavorite_actions(self): self.act_on("unfavorite", 100)
    @task(1)
    def rapid_unfollow_actions(self): self.act_on("unfollow", 20)


class DatabaseStressUser(Member):
    weight, wait_time = 1, between(0.5, 2)

    @task(3)
    def complex_search_queries(self): self.client.get(f"/search?q={random.choice(WORDS)}+{random.choice(WORDS)}", name="/search?q=[words]")
    @task(2)
    def load_user_profiles_extensively(self):
        for _ in range(random.randint(3, 7)): self.client.get(f"/user/{random.randint(1, 100)}", name="/user/[id]")
    @task(2)
    def mass_tweet_creation(self):
        for _ in range(random.randint(2, 5)): self.client.post("/tweet", {"msg": random.choice(TEXTS)})
    @task(2)
    def social_graph_operations(self):
        person = random.randint(1, 50)
        for action in ("follow", "unfollow"): self.client.post(f"/{action}/{person}", name=f"/{action}/[id]")
    @task(1)
    def favorites_heavy_operations(self):
        for _ in range(random.randint(5, 10)): self.act_on("favorite", 200)
    @task(1)
    def load_relationship_data(self):
        for path in ("/followers", "/following", "/favorites"): self.client.get(path)

class AnonymousUser(HttpUser):
    weight, wait_time = 1, between(2, 5)

    @task(3)
    def view_trends(self): self.client.get("/")
    @task(1)
    def try_login(self): self.client.get("/login")
