#!/bin/bash
# kill -9 at random moments while an encoder makes vectors: none that was counted is lost, none is there twice, the
# work goes on, and in the end searches find what they would have found. RAGD_KILLS rounds, 8 unless said otherwise.
. "$(dirname "$0")/lib.sh"
need_plugin inference_gguf
command -v python3 >/dev/null || skip "python3 is missing"
[ -e "$RAGD_SRCDIR/data/encoders/all-MiniLM-L6-v2-Q8_0.gguf" ] || skip "this build has no encoder"
kill_py=$RAGD_SRCDIR/tests/flow/kill_encode.py
rounds=${RAGD_KILLS:-8}
seed=${RAGD_SEED:-1}
export PYTHONDONTWRITEBYTECODE=1
echo "seed $seed, $rounds rounds"
echo "{\"seed\": $seed}" >"$T/state"

start_ragd || exit 1
check "documents" python3 "$kill_py" fill "$SOCKET" "$T/state" 200
for round in $(seq "$rounds"); do
	check "round $round: what was counted is there, and goes on" python3 "$kill_py" round "$SOCKET" "$T/state"
	stop_ragd KILL
	start_ragd || exit 1
done
python3 "$kill_py" answers "$SOCKET" "$T/state" >"$T/killed.json" || fail "the end was not reached"
echo "there were new vectors at the latest so many ms after the start: $(python3 -c 'import json, sys
print(*sorted(json.load(open(sys.argv[1]))["on_again_ms"]))' "$T/state")"
stop_ragd
check "each passage has one vector" python3 "$kill_py" rows "$T/data/plugins/hybrid/store.sqlite"
is "nothing was made again for being damaged" "$(grep -c "making vectors again" "$T/ragd.log")" 0

# The same documents, and nobody killed.
mv "$T/data" "$T/killed"
start_ragd || exit 1
check "the same documents" python3 "$kill_py" fill "$SOCKET" "$T/state" 0
python3 "$kill_py" answers "$SOCKET" "$T/state" >"$T/whole.json" || fail "the end was not reached"
check "searches find the same, with the same scores" cmp "$T/killed.json" "$T/whole.json"
