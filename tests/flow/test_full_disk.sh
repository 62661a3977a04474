#!/bin/bash
# A disk that fills while documents are added: a clear error, nothing lost, service goes on.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
mkdir "$T/data"
mount -t tmpfs -o size=6m,mode=700 tmpfs "$T/data" 2>/dev/null || skip "cannot mount a small file system (needs root)"
trap 'stop_ragd; umount "$T/data"; finish' EXIT
start_ragd || exit 1
mkdir "$T/docs" "$T/more"
dd if=/dev/zero of="$T/data/reserve" bs=64k count=8 2>/dev/null # room to make later
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

# ---- no room even for the record of an answer ----
ask() { api /v1/chat/completions -d '{"messages":[{"role":"user","content":"What is the answer to everything?"}]}'; }
answer_id() { ask | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])'; }
rate() { api /v1/feedback -w ' %{http_code}' -d "{\"answer_id\":\"$1\",\"rating\":\"up\"}"; }
rm "$T/data/reserve"
has "with a little room an answer is rated" "$(rate "$(answer_id)")" " 201"
dd if=/dev/zero of="$T/data/filler" bs=4096 2>/dev/null
LOST=$(answer_id)
OUT=$(rate "$LOST")
has "an answer that was not recorded cannot be rated" "$OUT" "\"no_space\""
has "for the disk is full" "$OUT" " 507"
has "nobody else learns that there was one" "$(rate "ans-0000")" " 404"
check "the log says so" grep -q 'event=journal-lost .*error="journal: .*the disk is full' "$T/ragd.log"
check "the metrics count it" grep -q '^ragd_journal_lost_total [1-9]' <(api /metrics)
rm "$T/data/filler"
has "with room again answers are rated" "$(rate "$(answer_id)")" " 201"
stop_ragd
start_ragd || exit 1
has "after a restart too" "$(rag search everything)" "42"
n=$(rag status --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["retrieval"][0]["documents"])')
listed=$(rag list default --json | grep -o "\"id\"" | wc -l)
is "what is counted is listed" "$listed" "$n"
