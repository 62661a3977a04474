#!/bin/bash
# A disk that fills while documents are added: a clear error, nothing lost, service goes on.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
mkdir "$T/data"
mount -t tmpfs -o size=6m,mode=700 tmpfs "$T/data" 2>/dev/null || skip "cannot mount a small file system (needs root)"
trap 'stop_ragd; umount "$T/data"; finish' EXIT
start_ragd || exit 1
mkdir "$T/docs" "$T/more"
echo "The answer to everything is 42." >"$T/docs/answer.txt"
exits "a document is added" 0 rag add "$T/docs"
python3 - "$T/more" <<'PY'
import random, sys
rng = random.Random(1)
for i in range(200):
    with open("%s/%03d.txt" % (sys.argv[1], i), "w") as f:
        f.write("\n\n".join(" ".join("%x" % rng.getrandbits(40) for _ in range(100)) for _ in range(80)))
PY
exits "the disk fills" 1 rag add "$T/more"
has "the error says that the disk is full" "$OUT" "full"
has "what was there is still found" "$(rag search everything)" "42"
exits "questions are still answered" 0 rag ask "What is the answer to everything?"
stop_ragd
start_ragd || exit 1
has "after a restart too" "$(rag search everything)" "42"
n=$(rag status --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["retrieval"][0]["documents"])')
listed=$(rag list default --json | grep -o "\"id\"" | wc -l)
is "what is counted is listed" "$listed" "$n"
