"""kill_encode.py fill SOCKET STATE N | round SOCKET STATE | answers SOCKET STATE | rows DATABASE

While an encoder makes vectors in the background, the daemon is killed. fill: the first N documents go in, or with 0
as many as STATE says. round: what was counted before is there, the work goes on, more documents go in; it ends at a
random moment before the work does, for the daemon to be killed. answers: all vectors are there; what some searches
find. rows: each passage has its vector in the database once.
"""
import json, random, sqlite3, sys, time

from kill import Connection

BACKLOG = 400  # passages that wait when the countdown to the kill begins
BATCH = 32  # of them are encoded at a time
GIVE_UP_S = 300  # what takes so long does not come, however slow the machine
WORDS = ("harbour engine kitten bread bridge winter letter doctor river piano engineer garden copper storm school "
         "paper island mirror coffee window farmer ticket museum forest rocket candle").split()


def ask(c, method, path, body=None):
    c.request(method, path, body)
    r = c.getresponse()
    data = r.read()
    assert r.status in (200, 201), (r.status, data)
    return json.loads(data)


def status(c):
    """Of the vectors, and how long the daemon has been up."""
    s = ask(c, "GET", "/v1/status")
    r = s["retrieval"][0]
    assert r["vectors"] + r["waiting"] == r["passages"], r
    return r, s["uptime_s"]


def document(n):
    """The n-th to be added. Each fifth replaces another."""
    rng = random.Random(n)
    return {"id": "doc-%d" % (n if n % 5 else n // 2),
            "text": "Note %d: " % n + " ".join(rng.choice(WORDS) for _ in range(12)) + "."}


def add(c, begin, end):
    ask(c, "POST", "/v1/collections/default/documents", "\n".join(json.dumps(document(n)) for n in range(begin, end)))


def wait_for(c, holds):
    """The status when it holds, and the daemon's age then."""
    end = time.monotonic() + GIVE_UP_S
    while time.monotonic() < end:
        r, age = status(c)
        if holds(r):
            return r, age
        time.sleep(0.01)
    raise AssertionError("nothing goes on: %r" % r)


def fill(c, state, n):
    """In pieces of 20: bulk requests of a round have as many."""
    for i in range(0, n or state["documents"], 20):
        add(c, i, i + 20)
    state["documents"] = n or state["documents"]


def round_of_kill(c, state):
    before = state.get("counted", {"vectors": 0, "passages": 0, "waiting": 0})
    r, _ = status(c)
    assert r["passages"] == before["passages"] or not before["passages"], (r, before)
    assert r["vectors"] >= before["vectors"], "lost: %r, counted before: %r" % (r, before)
    if r["waiting"] > 0:
        _, age = wait_for(c, lambda now: now["vectors"] > r["vectors"])
        state.setdefault("on_again_ms", []).append(round(age * 1000))
    while r["waiting"] < BACKLOG:
        add(c, state["documents"], state["documents"] + 20)
        state["documents"] += 20
        r, _ = status(c)
    rng = random.Random("%s %s" % (state["seed"], state.setdefault("rounds", 0)))
    state["rounds"] += 1
    # The moment is the point, so here a test does sleep.
    end = time.monotonic() + rng.uniform(0, 0.4)
    while time.monotonic() < end and r["waiting"] > 2 * BATCH:
        time.sleep(0.01)
        r, _ = status(c)
    state["counted"] = r


def answers(c, state):
    again = sorted(state["on_again_ms"])
    assert 2 * len(again) >= state["rounds"], "hardly ever was there work left: %r" % again
    wait_for(c, lambda r: r["waiting"] == 0)
    found = []
    for n in range(20):
        query = " ".join(random.Random(-n - 1).choice(WORDS) for _ in range(4))
        hits = ask(c, "POST", "/v1/search", json.dumps({"query": query, "k": 10}))["data"]
        found.append(sorted((-h["score"], h["vector"], h["document"], h["text"]) for h in hits))
        assert found[-1], query
    return found


def rows(database):
    """Of the generation in use."""
    db = sqlite3.connect(database)
    passages = {i for i, in db.execute("SELECT id FROM passage")}
    seen = set()
    for generation, dim in db.execute(
            "SELECT e.generation, e.dim FROM embedder e, collection c ON c.id = e.collection"
            " AND c.generation = e.generation"):
        for i, size in db.execute("SELECT id, length(data) FROM vector WHERE id & 1 = ?", (generation & 1,)):
            run = set(range(i >> 1, (i >> 1) + size // (2 * dim)))
            assert not run & seen, "twice: %r" % (run & seen)
            seen |= run
    assert seen == passages, "too many: %r, too few: %r" % (seen - passages, passages - seen)
    print("%d passages, each with its vector" % len(passages))


def main():
    if sys.argv[1] == "rows":
        rows(sys.argv[2])
        return
    c, file = Connection(sys.argv[2]), sys.argv[3]
    state = json.load(open(file))
    if sys.argv[1] == "fill":
        fill(c, state, int(sys.argv[4]))
    elif sys.argv[1] == "round":
        round_of_kill(c, state)
    else:
        print(json.dumps(answers(c, state)))
    json.dump(state, open(file, "w"))


main()
