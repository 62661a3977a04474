"""two_users.py SOCKET1 SOCKET2 requests N | times FILE

Two daemons of one configuration stand in for two worlds. In each, user A has documents, asks questions and rates
answers, other ones in the second than in the first; user B sends the same requests to both. Whatever B's replies
differ in, times and random names aside, B learned about A. `requests` compares N random requests over every
endpoint; `times` compares how long B waits. Needs root: who asks is what the kernel says of the connecting process.
"""
import json, os, random, re, sys, time, urllib.parse

from as_user import Connection

A, B = 61001, 61002


# ---- what A has and does: alike in shape, other words and other amounts in each world --------------------------

COMMON = ("loop thread timer handle socket memory signal buffer daemon plugin answer passage library index "
          "harbour window garden engine letter mountain river station market winter").split()
SECRETS = (
    {"words": "zanzibar quixotl brimstone halcyon".split(), "collections": ("plans", "ledger-one"), "documents": 260,
     "prompts": ["My bank is Lloyds and the pin is on the fridge door", "How do I tell zanzibar from quixotl?"]},
    {"words": "umbriel kestrel vellichor ossuary".split(), "collections": ("sketches",), "documents": 410,
     "prompts": ["The doctor said that it is nothing to worry about", "Is umbriel a kestrel?", "And vellichor?"]},
)


def text(rng, words, n):
    out = [rng.choice(words) for _ in range(n)]
    return " ".join(out).capitalize() + "."


def add(c, collection, docs):
    for i in range(0, len(docs), 200):
        lines = "\n".join(json.dumps({"id": i, "title": i, "text": t}) for i, t in docs[i:i + 200])
        status, _, body = c.ask("POST", "/v1/collections/%s/documents" % collection, lines)
        assert status == 200 and json.loads(body)["failed"] == 0, (status, body)


def chat(c, model, prompt, **more):
    return c.ask("POST", "/v1/chat/completions",
                 dict({"model": model, "messages": [{"role": "user", "content": prompt}]}, **more))


class World:
    def __init__(self, path, secret, models):
        self.secret, self.models = secret, models
        self.a, self.b = Connection(path, A), Connection(path, B)
        self.rng = random.Random(secret["words"][0])
        self.answers = []  # of A

    def prepare(self):
        rng = self.rng
        for name in self.secret["collections"]:
            docs = [("a-%d.txt" % i, "\n\n".join(text(rng, COMMON + 3 * self.secret["words"], 30) for _ in range(3)))
                    for i in range(self.secret["documents"])]
            add(self.a, name, docs)
        for model in self.models:
            for prompt in self.secret["prompts"]:
                self.act_ask(model, prompt)

    def act_ask(self, model, prompt):
        status, _, body = chat(self.a, model, prompt, max_tokens=4)
        assert status == 200, body
        self.answers.append(json.loads(body)["id"])

    def act(self):
        """Something of A's, between two requests of B's."""
        rng, what = self.rng, self.rng.randrange(4)
        name = rng.choice(self.secret["collections"])
        if what == 0:
            self.act_ask(rng.choice(self.models), rng.choice(self.secret["prompts"]))
        elif what == 1:
            add(self.a, name, [("new-%d.txt" % rng.randrange(50), text(rng, COMMON + self.secret["words"], 40))])
        elif what == 2:
            self.a.ask("POST", "/v1/search", {"query": rng.choice(self.secret["words"])})
        else:
            self.a.ask("POST", "/v1/feedback", {"answer_id": rng.choice(self.answers), "rating": "down",
                                                "comment": rng.choice(self.secret["words"])})


# ---- what B tries ------------------------------------------------------------------------------------------------

class Requests:
    """Random requests; `mine` are B's own names, the rest is what B guesses of A."""

    def __init__(self, seed, models):
        self.rng, self.models = random.Random(seed), models
        self.words = COMMON + SECRETS[0]["words"] + SECRETS[1]["words"]
        self.prompts = ["Which signal reloads the configuration?"] + SECRETS[0]["prompts"] + SECRETS[1]["prompts"]
        self.theirs = SECRETS[0]["collections"] + SECRETS[1]["collections"] + ("nobodys",)
        self.mine = ("mine", "other")

    def name(self):
        return self.rng.choice(self.theirs + self.mine + ("handbook",))

    def document(self):
        return urllib.parse.quote(self.rng.choice(["a-1.txt", "a-17.txt", "new-3.txt", "b-1.txt", "b-2.txt", "x/y z"]))

    def query(self):
        return " ".join(self.rng.choice(self.words) for _ in range(self.rng.randrange(1, 5)))

    def prompt(self):
        p = self.rng.choice(self.prompts)
        return p if self.rng.random() < 0.5 else p[:self.rng.randrange(1, len(p))]

    def next(self):
        rng = self.rng
        kinds = (self.chat, self.chat, self.search, self.search, self.embeddings, self.collections, self.documents,
                 self.document_one, self.put, self.change, self.feedback, self.moderations, self.system, self.bad)
        return rng.choice(kinds)()

    def chat(self):
        body = {"model": self.rng.choice(self.models), "max_tokens": self.rng.choice((1, 4)),
                "messages": [{"role": "user", "content": self.prompt()}]}
        if self.rng.random() < 0.3:
            body["ragd"] = {"collections": [self.name()]}
        if self.rng.random() < 0.3:
            body["stream"], body["stream_options"] = True, {"include_usage": True}
        return "POST", "/v1/chat/completions", body

    def search(self):
        body = {"query": self.query(), "k": self.rng.choice((1, 5, 50))}
        if self.rng.random() < 0.4:
            body["collections"] = [self.name()]
        if self.rng.random() < 0.2:
            body["tags"] = [self.rng.choice(self.words)]
        return "POST", "/v1/search", body

    def embeddings(self):
        return "POST", "/v1/embeddings", {"model": "default", "input": [self.query(), self.rng.choice(self.words)]}

    def collections(self):
        return "GET", "/v1/collections" + self.rng.choice(("", "/" + self.name())), None

    def documents(self):
        return "GET", "/v1/collections/%s/documents?limit=%d" % (self.name(), self.rng.choice((1, 100))), None

    def document_one(self):
        path = "/v1/collections/%s/documents/%s" % (self.name(), self.document())
        return self.rng.choice(("GET", "GET", "DELETE")), path + self.rng.choice(("", "/content")), None

    # Names are a common space, as in /tmp: who makes one learns whether it is taken, and nothing more. So B adds to
    # its own, to the handbook (which it may not) and to what it knows to be taken in both worlds.
    def put(self):
        path = "/v1/collections/%s/documents" % self.rng.choice(self.mine + ("handbook",))
        body = "B's own words: " + self.query()
        if self.rng.random() < 0.5:
            return "PUT", path + "/" + self.document(), body
        return "POST", path, json.dumps({"id": "b-%d.txt" % self.rng.randrange(9), "text": body})

    def change(self):
        if self.rng.random() < 0.3:
            return "DELETE", "/v1/collections/" + self.rng.choice(self.theirs + ("handbook",)), None
        return "PUT", "/v1/collections/" + self.rng.choice(self.mine + ("handbook",)), {"mode": "0600"}

    def feedback(self):
        return "POST", "/v1/feedback", {"answer_id": "ans-%s" % self.rng.choice(("0" * 20, "{theirs}")), "rating": "up"}

    def moderations(self):
        return "POST", "/v1/moderations", {"input": self.prompt(), "stage": self.rng.choice(("prompt", "document"))}

    def system(self):
        return "GET", self.rng.choice(("/v1/status", "/v1/plugins", "/v1/system-card", "/v1/models", "/metrics", "/healthz",
                                       "/v1/models/default", "/v1/feedback/export")), None

    def bad(self):
        return self.rng.choice((("POST", "/v1/admin/reload", ""), ("GET", "/v1/nothing", None),
                                ("POST", "/v1/search", {"query": ""}), ("POST", "/v1/search", "{"),
                                ("PUT", "/v1/collections/handbook", {"owner": "root", "mode": "0777"})))


# Random names, times of day and how long things took.
VARIES = (
    (re.compile(r'"(id|answer_id|request_id)": ?"(ans|req|fb|chatcmpl|modr)-[^"]*"'), r'"\1":"*"'),
    (re.compile(r'"(created|updated|pid|uptime_s|configuration)": ?[^,}]*'), r'"\1":0'),
    (re.compile(r'"(first_us|total_us|[a-z]+_ms)": ?\d+'), r'"\1":0'),
    (re.compile(r"\b(ans|req|fb)-[0-9a-z]{8,}"), r"\1-*"),
)
HEADERS = ("Content-Type", "Retry-After", "Connection", "WWW-Authenticate")


def joined(stream):
    """An answer that streams arrives in whatever pieces: its text in one, and the other events as they are."""
    text, rest = "", []
    for line in stream.split("\n\n"):
        try:
            choice = json.loads(line.removeprefix("data: "))["choices"][0]
            text += choice["delta"].pop("content")
            choice["delta"].pop("role", None)
            if choice["delta"] or choice["finish_reason"]:
                rest.append(json.dumps(choice))
        except (ValueError, LookupError):
            rest.append(line)
    return text + "\n\n".join(rest)


def seen(reply):
    status, headers, body = reply
    if headers.get("Content-Type", "").startswith("text/event-stream"):
        body = joined(body)
    for pattern, to in VARIES:
        body = pattern.sub(to, body)
    return status, [headers.get(h) for h in HEADERS], body


def send(world, request):
    method, path, body = request
    if isinstance(body, dict) and body.get("answer_id") == "ans-{theirs}":
        body = dict(body, answer_id=world.rng.choice(world.answers))
    return world.b.ask(method, path, body)


def vectors_stand(world):
    """Until the handbook has its vectors, which come in the background, and nothing changes any more. What A and B
    write has too few words of its own to learn from."""
    handbook = json.loads(world.b.ask("GET", "/v1/collections/handbook")[2])["passages"]
    last, since = None, 0
    while last is None or time.monotonic() - since < 3:
        status = json.loads(world.b.ask("GET", "/v1/status")[2])
        now = status["retrieval"][0]["vectors"], seen(world.b.ask("POST", "/v1/search", {"query": "thread loop", "k": 50}))
        if now[0] < handbook:
            last = None
        elif now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)


def begin(paths):
    models = [m["id"] for m in json.loads(Connection(paths[0], B).ask("GET", "/v1/models")[2])["data"]]
    worlds = [World(p, s, models) for p, s in zip(paths, SECRETS)]
    for w in worlds:
        w.prepare()
        for name in ("mine", "other"):
            status, _, body = w.b.ask("PUT", "/v1/collections/" + name, {})
            assert status in (200, 201), body
            add(w.b, name, [("b-%d.txt" % i, "B's own: " + text(random.Random(i), COMMON, 20)) for i in range(9)])
        vectors_stand(w)
    return worlds, models


def requests(paths, n):
    worlds, models = begin(paths)
    source, counts, differ = Requests(1, models), {}, {}
    rng = random.Random(2)
    for i in range(n):
        request = source.next()
        for w in worlds:
            if rng.random() < 0.02:
                w.act()
        replies = [seen(send(w, request)) for w in worlds]
        kind = "%s %s" % (request[0], re.sub(r"(collections|documents|models)/[^/?]+", r"\1/*", request[1]).split("?")[0])
        counts.setdefault(kind, {}).setdefault(replies[0][0], 0)
        counts[kind][replies[0][0]] += 1
        if replies[0] != replies[1]:
            differ.setdefault(kind, []).append((request, replies))
    for kind in sorted(counts):
        print("%-50s %s" % (kind, " ".join("%d: %d" % s for s in sorted(counts[kind].items()))))
    for kind, rows in sorted(differ.items()):
        request, replies = rows[0]
        at = next((k for k, (x, y) in enumerate(zip(str(replies[0]), str(replies[1]))) if x != y), 0)
        print("DIFFERS %d times: %s" % (len(rows), kind))
        print("  request: %.300s" % (request,))
        for r in replies:
            print("  reply:   …%.200s" % str(r)[max(0, at - 60):])
    print("%d requests, %d replies differ" % (n, sum(map(len, differ.values()))))
    return 1 if differ else 0


# ---- times ---------------------------------------------------------------------------------------------------------

ROUNDS = 3
# Two processes are never quite as fast as each other. So a request is set against one that has no reason to differ, sent
# in turn with it: a round sees a difference where the first deciles of the times differ by so much more than those of
# the other request do. Quick replies are those that nothing else on the machine disturbed. What is nearer than this
# goes unseen; that is the bound of this test.
RATIO, LEAST_US = 0.25, 80


def timed(c, request):
    began = time.perf_counter_ns()
    reply = c.ask(*request)
    return (time.perf_counter_ns() - began) / 1000, reply


def p10(values):
    return sorted(values)[len(values) // 10]


def differ(one, two, make, neutral, pairs=300):
    """Which of two connections takes longer for requests make(i), in every round: 1, -1 or, if they are alike, 0."""
    signs, rows = set(), []
    for r in range(ROUNDS):
        took = {}
        for i in range(pairs):
            for c, k in ((one, 1), (two, 2)) if i % 2 else ((two, 2), (one, 1)):
                for kind in (make, neutral) if i // 2 % 2 else (neutral, make):
                    us, reply = timed(c, kind(r * pairs + i))
                    assert reply[0] == 200, reply
                    took.setdefault((k, kind), []).append(us)
        a, b, na, nb = (p10(took[key]) for key in ((1, make), (2, make), (1, neutral), (2, neutral)))
        rows.append("%.0f:%.0f, else %.0f:%.0f us" % (a, b, na, nb))
        by = (a - b) - (na - nb)
        signs.add(0 if abs(by) < max(RATIO * min(a, b), LEAST_US) else 1 if by > 0 else -1)
        if signs == {0} or len(signs) > 1:
            break
    return signs.pop() if len(signs) == 1 else 0, "; ".join(rows)


def times(paths, file):
    """What the last runs found wrong is in the file, and what this one finds as well is left in it."""
    worlds, models = begin(paths)
    w1, w2 = worlds
    bad = []
    # 3,300 passages with one word in A's collection of the first world; B searches for it.
    add(w1.a, "plans", [("many-%d.txt" % i, "quincunx " + text(random.Random(i), COMMON, 12)) for i in range(3300)])
    add(w2.a, "sketches", [("many-%d.txt" % i, "quodlibet " + text(random.Random(i), COMMON, 12)) for i in range(3300)])
    # The same of B's own: what the test must see to be believed.
    for w, word in ((w1, "quagmire"), (w2, "quandary")):
        add(w.b, "mine", [("many-%d.txt" % i, word + " " + text(random.Random(i), COMMON, 12)) for i in range(3300)])
        vectors_stand(w)

    def search(query, **more):
        return lambda i: ("POST", "/v1/search", dict({"query": query, "k": 5}, **more))

    nothing = search("nothingofthesort")

    def judge(what, want, found):
        longer, rows = found
        if (longer != 0) != want:
            bad.append("%s %d" % (what, longer))
        print("%s: %s: %s (%s)" % ("ok" if (longer != 0) == want else "no", what, "differ" if longer else "alike", rows))

    judge("searches for a word of B's own documents, which one world has", True, differ(w1.b, w2.b, search("quagmire"), nothing))
    judge("searches for a word of A's documents, which one world has", False,
          differ(w1.b, w2.b, search("quincunx"), nothing))
    judge("searches for a word that all have", False, differ(w1.b, w2.b, search("loop", collections=["other"]), nothing))
    if "story" in models:
        # Prompts that B asks once, each of them after A did in the first world; and of B's own, asked before.
        pairs = 60

        def prompt(i, tag):
            return " ".join("%s %s" % (tag, random.Random(i * 97 + j).choice(COMMON)) for j in range(40))

        def again(tag):
            return lambda i: ("POST", "/v1/chat/completions", {
                "model": "story", "max_tokens": 1, "messages": [{"role": "user", "content": prompt(i, tag)}]})

        for i in range(ROUNDS * pairs):
            chat(w1.b, "story", prompt(i, "own"), max_tokens=1)
        judge("prompts that B asked before", True, differ(w1.b, w2.b, again("own"), again("new1"), pairs))
        # That somebody asked, and how much, takes memory and shows; what it was must not.
        for i in range(ROUNDS * pairs):
            chat(w1.a, "story", prompt(i, "asked"), max_tokens=1)
            chat(w2.a, "story", prompt(i, "other"), max_tokens=1)
        judge("prompts that A asked before", False, differ(w1.b, w2.b, again("asked"), again("new2"), pairs))
    if os.path.exists(file):
        bad = [b for b in bad if b in open(file).read().split("\n")]
    with open(file, "w") as f:
        f.write("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    paths, what = sys.argv[1:3], sys.argv[3]
    sys.exit(times(paths, sys.argv[4]) if what == "times" else requests(paths, int(sys.argv[4])))
