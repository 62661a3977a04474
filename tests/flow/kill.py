"""kill.py add SOCKET SEED ACKED | check SOCKET ACKED

add: documents go in, one request each and some in bulk, until the daemon dies; the id and the SHA-256 of
each acknowledged one is appended to ACKED. check: the daemon has each of them, unchanged, and none twice.
"""
import hashlib, http.client, json, random, socket, sys, urllib.parse


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("ragd", timeout=200)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def text(rng, n):
    words = "loop thread timer handle socket memory signal buffer daemon plugin answer passage".split()
    return " ".join(rng.choice(words) for _ in range(n)) + " unique%d." % rng.getrandbits(48)


def add(path, seed, acked):
    rng = random.Random(seed)
    c = Connection(path)
    out = open(acked, "a")
    try:
        while True:
            docs = [("doc-%d" % rng.randrange(400), text(rng, rng.randrange(5, 400)))
                    for _ in range(rng.choice((1, 1, 1, 20)))]
            docs = list(dict(docs).items())
            # An update that is not acknowledged may or may not be there: note that it was tried.
            for i, t in docs:
                out.write("try %s %s\n" % (i, hashlib.sha256(t.encode()).hexdigest()))
            out.flush()
            if len(docs) == 1:
                c.request("PUT", "/v1/collections/default/documents/" + docs[0][0], docs[0][1].encode(),
                          {"Content-Type": "text/plain"})
            else:
                c.request("POST", "/v1/collections/default/documents",
                          "\n".join(json.dumps({"id": i, "text": t}) for i, t in docs))
            r = c.getresponse()
            body = r.read()
            assert r.status in (200, 201), (r.status, body)
            for i, t in docs:
                out.write("ack %s %s\n" % (i, hashlib.sha256(t.encode()).hexdigest()))
            out.flush()
    except (OSError, http.client.HTTPException):
        pass


def check(path, acked):
    c = Connection(path)

    def get(url):
        c.request("GET", url)
        r = c.getresponse()
        return r.status, r.read()

    have, after = {}, ""
    while after is not None:
        status, body = get("/v1/collections/default/documents?limit=100&after=" + urllib.parse.quote(after, safe=""))
        assert status == 200, (status, body)
        page = json.loads(body)
        for d in page["data"]:
            assert d["id"] not in have, "twice: " + d["id"]
            have[d["id"]] = d["digest"]
        after = page["next"]
    want, tried = {}, {}
    for line in open(acked):
        kind, i, digest = line.split()
        if kind == "ack":
            want[i] = digest
            tried[i] = set()
        else:
            tried.setdefault(i, set()).add(digest)
    for i, digest in want.items():
        assert have.get(i) == digest or have.get(i) in tried[i], "lost: %s" % i
    for i in have:
        assert i in tried, "from nowhere: %s" % i
    # What is there can be found by what only it says, in its present form, once.
    for i in random.Random(1).sample(sorted(have), min(20, len(have))):
        status, body = get("/v1/collections/default/documents/%s/content" % i)
        assert status == 200 and hashlib.sha256(body).hexdigest() == have[i], i
        unique = body.decode().rsplit(" ", 1)[1].rstrip(".")
        c.request("POST", "/v1/search", json.dumps({"query": unique, "k": 5, "per_document": False}))
        hits = [h for h in json.loads(c.getresponse().read())["data"] if unique in h["text"]]
        assert [h["document"] for h in hits] == [i], (i, unique, hits)
    print("%d documents, %d acknowledged" % (len(have), len(want)))


if __name__ == "__main__":
    if sys.argv[1] == "add":
        add(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        check(sys.argv[2], sys.argv[3])
