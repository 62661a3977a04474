"""bench_flood.py SOCKET [SECONDS]: how long one user's questions and searches take while another user floods the daemon.

The flood: 16 connections that announce a large body and never send it, four that send 6 MiB of moderations again and
again, and 2,000 that do nothing. The bar: the first user's 95th percentile at most doubles and no request is refused.
"""
import http.client, multiprocessing, os, random, signal, sys, time

sys.path.insert(0, sys.argv[0].rsplit("/", 2)[0] + "/flow")
from as_user import Connection

NORMAL, FLOOD = 61001, 61002
WORDS = "loop thread timer handle socket memory signal buffer daemon plugin answer passage library index".split()


def silent(path, n, head):
    """n connections that send head and no more."""
    held = []
    for _ in range(n):
        c = Connection(path, FLOOD)
        try:
            c.connect()
            c.sock.sendall(head)
            held.append(c)
        except OSError:
            pass
    return held


def moderate(path):
    rng = random.Random(0)
    text = " ".join(rng.choice(WORDS) for _ in range(900000))[:6 << 20]
    while True:
        try:
            Connection(path, FLOOD).ask("POST", "/v1/moderations", {"input": text})
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)


def flood(path):
    os.setsid()  # ends as a group
    body = b"POST /v1/moderations HTTP/1.1\r\nHost: ragd\r\nContent-Length: 33554432\r\n\r\n"
    held = silent(path, 16, body) + silent(path, 2000, b"")
    for _ in range(3):
        if os.fork() == 0:
            break
    moderate(path)
    del held


def normal(path, seconds):
    rng = random.Random(3)
    c = Connection(path, NORMAL)
    times, refused = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or not times:
        q = " ".join(rng.choice(WORDS) for _ in range(4))
        requests = (("POST", "/v1/search", {"query": q}),
                    ("POST", "/v1/chat/completions", {"model": "default", "messages": [{"role": "user", "content": q + "?"}]}))
        began = time.perf_counter()
        status, _, _ = c.ask(*rng.choice(requests))
        times.append(time.perf_counter() - began)
        refused += status != 200
    times.sort()
    return times[len(times) // 2] * 1e3, times[len(times) * 95 // 100] * 1e3, len(times), refused


def main(path, seconds):
    alone = normal(path, seconds)
    p = multiprocessing.Process(target=flood, args=(path,))
    p.start()
    time.sleep(3)
    beside = normal(path, seconds)
    os.killpg(p.pid, signal.SIGKILL)
    for name, row in (("alone", alone), ("beside a flood", beside)):
        print("%-16s p50 %7.2f ms, p95 %7.2f ms, %5d requests, %d refused" % ((name,) + row))
    print("p95 %.2f times" % (beside[1] / alone[1]))


main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 8)
