"""Five classes as people wrote them for the original: its routes, fields and habits, nothing of ours."""
import random

from locust import HttpUser, between, task

TEXTS = [
    "Just testing the timeline",
    "Good morning everyone!",
    "What a lovely day",
    "Coffee time",
    "Working on something new",
    "Anyone else awake?",
    "Reading a good book",
    "See you tomorrow",
]
WORDS = ["test", "coffee", "morning", "book", "day", "new"]


class Member(HttpUser):
    abstract = True

    def on_start(self):
        number = random.randint(1, 100)
        mailaddress = f"user{number:04d}@test.com"
        response = self.client.post(
            "/login", data={"mailaddress": mailaddress, "password": "password123"}, catch_response=True
        )
        if response.status_code != 302:
            self.client.post(
                "/register",
                data={"name": f"user{number:04d}", "mailaddress": mailaddress, "password": "password123"},
            )

    def follow(self, verb, last):
        with self.client.post(f"/{verb}/{random.randint(1, last)}", name=f"/{verb}/[id]", catch_response=True) as answer:
            # Following oneself is the one refusal that a random choice may meet.
            if answer.status_code == 400 and "yourself" in answer.text:
                answer.success()


class RealisticUser(Member):
    weight = 3
    wait_time = between(3, 10)

    @task(10)
    def browse_timeline(self):
        self.client.get("/timeline")

    @task(5)
    def check_trends(self):
        self.client.get("/")

    @task(3)
    def post_tweet(self):
        self.client.post("/tweet", data={"msg": random.choice(TEXTS)})

    @task(2)
    def search_content(self):
        self.client.get(f"/search?q={random.choice(WORDS)}", name="/search")

    @task(2)
    def view_profile(self):
        self.client.get(f"/user/{random.randint(1, 5)}", name="/user/[id]")

    @task(1)
    def check_favorites(self):
        self.client.get("/favorites")

    @task(1)
    def social_interactions(self):
        if random.random() < 0.5:
            self.client.post(f"/favorite/{random.randint(1, 50)}", name="/favorite/[id]")
        else:
            self.follow("follow", 10)


class LurkerUser(Member):
    weight = 4
    wait_time = between(5, 15)

    @task(8)
    def browse_timeline(self):
        self.client.get("/timeline")

    @task(3)
    def check_trends(self):
        self.client.get("/")

    @task(2)
    def browse_profiles(self):
        self.client.get(f"/user/{random.randint(1, 10)}", name="/user/[id]")

    @task(1)
    def search_content(self):
        self.client.get(f"/search?q={random.choice(WORDS)}", name="/search")


class APIStressUser(Member):
    weight = 1
    wait_time = between(0.1, 0.5)
    headers = {"Content-Type": "application/json"}

    @task(5)
    def rapid_tweet_posting(self):
        self.client.post("/tweet", data={"msg": random.choice(TEXTS)})

    @task(3)
    def rapid_favorite_actions(self):
        self.client.post(f"/favorite/{random.randint(1, 100)}", name="/favorite/[id]", headers=self.headers)

    @task(2)
    def rapid_follow_actions(self):
        self.follow("follow", 20)

    @task(1)
    def rapid_unfavorite_actions(self):
        self.client.post(f"/unfavorite/{random.randint(1, 100)}", name="/unfavorite/[id]", headers=self.headers)

    @task(1)
    def rapid_unfollow_actions(self):
        self.follow("unfollow", 20)


class DatabaseStressUser(Member):
    weight = 1
    wait_time = between(0.5, 2)

    @task(3)
    def complex_search_queries(self):
        self.client.get(f"/search?q={random.choice(WORDS)}+{random.choice(WORDS)}", name="/search")

    @task(2)
    def load_user_profiles_extensively(self):
        for _ in range(random.randint(3, 7)):
            self.client.get(f"/user/{random.randint(1, 100)}", name="/user/[id]")

    @task(2)
    def mass_tweet_creation(self):
        for _ in range(random.randint(2, 5)):
            self.client.post("/tweet", data={"msg": random.choice(TEXTS)})

    @task(2)
    def social_graph_operations(self):
        self.follow("follow", 50)
        self.follow("unfollow", 50)

    @task(1)
    def favorites_heavy_operations(self):
        for _ in range(random.randint(5, 10)):
            self.client.post(f"/favorite/{random.randint(1, 200)}", name="/favorite/[id]")

    @task(1)
    def load_relationship_data(self):
        for path in ("/followers", "/following", "/favorites"):
            self.client.get(path)


class AnonymousUser(HttpUser):
    weight = 1
    wait_time = between(2, 5)

    @task(3)
    def view_trends(self):
        self.client.get("/")

    @task(1)
    def try_login(self):
        self.client.get("/login")
