#!/bin/bash
# kill -9 at random moments while documents go in: what was acknowledged is there, once, and can be found.
# RAGD_KILLS rounds, 8 unless said otherwise.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
kill_py=$RAGD_SRCDIR/tests/flow/kill.py
rounds=${RAGD_KILLS:-8}
start_ragd || exit 1
touch "$T/acked"
for round in $(seq "$rounds"); do
	cp "$T/acked" "$T/acked.before"
	python3 "$kill_py" add "$SOCKET" "$round" "$T/acked" &
	adder=$!
	grew() { [ "$(wc -l <"$T/acked")" -gt "$(($(wc -l <"$T/acked.before") + 2))" ]; }
	wait_for grew || fail "round $round: nothing was added"
	# From 0 to 600 ms further on: the moment is the point, so here a test does sleep.
	sleep "0.$(printf '%03d' $((RANDOM % 600)))"
	stop_ragd KILL
	wait "$adder"
	start_ragd || exit 1
	check "round $round: all is there, once" python3 "$kill_py" check "$SOCKET" "$T/acked"
done
