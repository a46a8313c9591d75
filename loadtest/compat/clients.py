"""A hundred scripted clients, as a Python program would be one: no Origin, redirects followed, cookies kept.

Each fails a login, registers, and then mixes reading and writing. Any answer of 400 or more is a failure, but for the
422 of that first login and the 400 of following oneself.

    python loadtest/compat/clients.py http://127.0.0.1:5000 --clients 100 --seconds 60
"""
import argparse
import collections
import random
import sys
import threading
import time

import requests


def visit(base: str, number: int, until: float, tally: collections.Counter, failures: list) -> None:
    chance = random.Random(number)
    session = requests.Session()
    mailaddress = f"client{number:04d}@test.com"

    def ask(method: str, path: str, expected=(200,), **fields) -> requests.Response:
        answer = session.request(method, base + path, data=fields or None, timeout=20)
        tally[answer.status_code] += 1
        if answer.status_code not in expected:
            failures.append(f"{method} {path}: {answer.status_code} {answer.text[:120]}")
        return answer

    # Twenty a second: each signs up with two passwords, of which a core checks some twenty a second.
    time.sleep(number / 20)
    ask("POST", "/login", (422,), mailaddress=mailaddress, password="password123")
    page = ask("POST", "/register", name=f"client{number:04d}", mailaddress=mailaddress, password="password123")
    if "Hello, client" not in page.text:
        failures.append("POST /register: nobody is signed in afterwards")
    deeds = [
        lambda: ask("GET", "/timeline"),
        lambda: ask("GET", "/timeline"),
        lambda: ask("GET", "/"),
        lambda: ask("POST", "/tweet", msg=f"Client {number} says {chance.random()}"),
        lambda: ask("POST", f"/favorite/{chance.randint(1, 200)}"),
        lambda: ask("POST", f"/unfavorite/{chance.randint(1, 200)}"),
        lambda: ask("POST", f"/follow/{chance.randint(1, 100)}", (200, 400)),
        lambda: ask("GET", f"/search?q={chance.choice(['goose', 'ferry', 'test', 'bench'])}"),
        lambda: ask("GET", f"/user/{chance.randint(1, 100)}"),
        lambda: ask("GET", "/favorites"),
    ]
    while time.time() < until:
        chance.choice(deeds)()
        time.sleep(chance.uniform(0.2, 1.5))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    tally: collections.Counter = collections.Counter()
    failures: list = []
    until = time.time() + asked.seconds
    threads = [
        threading.Thread(target=visit, args=(asked.base.rstrip("/"), number, until, tally, failures))
        for number in range(1, asked.clients + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{asked.clients} clients, {sum(tally.values())} requests: {dict(tally)}, {len(failures)} failures")
    for failure in failures[:20]:
        print("  " + failure)
    return 1 if failures or sum(tally.values()) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
