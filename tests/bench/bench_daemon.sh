#!/bin/bash
# The daemon as a whole, with its default plugins: start and memory when empty, adding documents, start with
# 10,000 passages and more, time of an answer. Each beside a yardstick of the same run.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
trap 'stop_ragd; rm -rf "$T"' EXIT
command -v python3 >/dev/null || skip "python3 is missing"

rss_mb() { awk '/VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$RAGD_PID/status"; }
ready_ms() { sed -n 's/.*ready_ms=\([0-9]*\).*/\1/p' "$T/ragd.log" | tail -n 1; }
passages() { rag status --json | python3 -c 'import json,sys; r=json.load(sys.stdin)["retrieval"][0]; print(r["passages"], r["vectors"])'; }

start_ragd || exit 1
echo "empty: first start ready in $(ready_ms) ms"
stop_ragd
start_ragd || exit 1
echo "empty: ready in $(ready_ms) ms, $(rss_mb) MB resident"

# Real manuals (this one's, libuv's, curl's), many times over, each copy with words of its own.
python3 - "$T/docs" "$RAGD_SRCDIR/docs" "$shared/retrieval/docs-qa-libuv/docs" "$shared/retrieval/ingest-docs/md" <<'PY'
import os, random, re, sys
out, rng = sys.argv[1], random.Random(7)
texts = []
for top in sys.argv[2:]:
    for d, _, names in os.walk(top):
        texts += [(n, open(os.path.join(d, n), encoding="utf-8", errors="ignore").read()) for n in sorted(names) if n.endswith((".md", ".rst", ".txt"))]
size = 0
for i in range(1000):
    os.makedirs("%s/%03d" % (out, i))
    for n, t in texts:
        t = re.sub(r"\b(\w{7})\w*\b", lambda m: m.group(0) if rng.random() > .02 else "%s%d" % (m.group(1), rng.randrange(3000)), t)
        open("%s/%03d/%s" % (out, i, n), "w").write(t)
        size += len(t.encode())
    if size > 24e6:
        break
print("documents: %d files, %.1f MB" % ((i + 1) * len(texts), size / 1e6))
PY
mb=$(du -sb --apparent-size "$T/docs" | awk '{ print $1 / 1e6 }')
python3 - "$T" "$mb" <<'PY'
import os, sqlite3, sys, time
t = time.time()
db = sqlite3.connect(sys.argv[1] + "/yard.db")
db.execute("pragma journal_mode=wal")
db.execute("create virtual table f using fts5(t, tokenize='porter unicode61')")
for d, _, names in os.walk(sys.argv[1] + "/docs"):
    for n in names:
        db.execute("insert into f values (?)", (open(os.path.join(d, n)).read(),))
    db.commit()
s = time.time() - t
open(sys.argv[1] + "/yard", "w").write(str(float(sys.argv[2]) / s))
print("yardstick: bare SQLite FTS5 with porter takes the same files at %.1f MB/s" % (float(sys.argv[2]) / s))
PY
python3 - "$RAGD_BUILDDIR/rag" "$T" "$mb" <<'PY'
import json, subprocess, sys, time
rag, t, mb = sys.argv[1], sys.argv[2], float(sys.argv[3])
def stats():
    return json.loads(subprocess.check_output([rag, "status", "--json"]))["retrieval"][0]
a = time.time()
subprocess.check_call([rag, "add", t + "/docs"])
b = time.time()
while stats()["vectors"] < stats()["passages"]:
    time.sleep(.02)
c = time.time()
yard = float(open(t + "/yard").read())
print("rag add: %.1f MB/s until acknowledged and found, %.1f MB/s until every passage has its vector (%.2f of the yardstick)" % (mb / (b - a), mb / (c - a), mb / (c - a) / yard))
a = time.time()
subprocess.check_call([rag, "add", t + "/docs"])
print("rag add again, nothing changed: %.2f s" % (time.time() - a))
PY
echo "loaded: $(passages) passages and vectors, $(rss_mb) MB resident"
stop_ragd
start_ragd || exit 1
echo "loaded: ready in $(ready_ms) ms, $(rss_mb) MB resident"
stop_ragd KILL
start_ragd || exit 1
echo "loaded, after kill -9: ready in $(ready_ms) ms"

# A daemon with one manual: the time of a whole answer.
stop_ragd
rm -rf "$T/data"
start_ragd || exit 1
rag add "$shared/retrieval/docs-qa-libuv/docs"
python3 - "$SOCKET" "$shared/retrieval/docs-qa-libuv/queries.jsonl" <<'PY'
import http.client, json, socket, sys, time
class C(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(sys.argv[1])
c, took = C("ragd"), []
for _ in range(20):
    for q in map(json.loads, open(sys.argv[2])):
        t = time.time()
        c.request("POST", "/v1/chat/completions", json.dumps({"messages": [{"role": "user", "content": q["text"]}]}))
        r = c.getresponse(); r.read()
        assert r.status == 200
        took.append(time.time() - t)
took.sort()
print("answers over libuv's manual: p50 %.1f ms, p95 %.1f ms, p99 %.1f ms" % tuple(1e3 * took[int(len(took) * p)] for p in (.5, .95, .99)))
PY
