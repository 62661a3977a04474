#!/bin/bash
# One user learns nothing of another's documents, questions and ratings, neither from replies nor from times:
# two daemons that differ in the other user's data alone answer alike.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
[ "$(id -u)" = 0 ] || skip "only root can be two users"
chmod 755 "$T"
story=$shared/models/llm/tinystories-656K/tinystories-656K-Q8_0.gguf
has_plugin inference_gguf || story=$T/none # this build has no models

cat >"$T/ragd.conf" <<CONF
ragd { mode = 0666 }
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" }
plugin "grounding" { module = "safety_grounding" }
policy "balanced" { filters = { "basic", "grounding" } }
policy "open" { filters = { "basic" } }
collection "handbook" { mode = 0644 }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "balanced" }
CONF
[ ! -r "$story" ] || cat >>"$T/ragd.conf" <<CONF
plugin "story" { module = "inference_gguf" model = "$story" template = "plain" cache = 64MiB }
assistant "story" { inference = "story" policy = "open" grounded = no temperature = 0 system_prompt = "You tell short stories." }
CONF

# In one request: a pause between two, in which vectors are learned from what is there, would come elsewhere in each
# daemon, and vectors are to be the same in both, to the last bit.
handbook() { rag add -j 1 -c handbook "$RAGD_SRCDIR/docs"; }
# pair NAME: two daemons on states of their own, with the same handbook. The first is process $FIRST.
FIRST=
pair() {
	SOCKET=$T/$1-1.sock RAGD_SOCKET=$T/$1-1.sock
	start_ragd -c "$T/ragd.conf" --state-dir "$T/$1-1" && handbook || return 1
	FIRST=$RAGD_PID
	SOCKET=$T/$1-2.sock RAGD_SOCKET=$T/$1-2.sock
	start_ragd -c "$T/ragd.conf" --state-dir "$T/$1-2" && handbook
}
pair_stop() {
	local rc=0
	if [ -n "$FIRST" ]; then
		kill "$FIRST" && wait "$FIRST"
		rc=$?
	fi
	FIRST=
	stop_ragd
	return "$rc"
}
pair_end() {
	local rc=$?
	pair_stop
	return "$rc"
}
trap 'pair_end; finish' EXIT
two_users() { python3 "$RAGD_SRCDIR/tests/flow/two_users.py" "$T/$1-1.sock" "$T/$1-2.sock" "${@:2}"; }

check "two daemons have the same handbook" pair r
check "${RAGD_TWO_USERS:-2000} requests tell nothing" two_users r requests "${RAGD_TWO_USERS:-2000}"
check "they stop as they should" pair_stop
# What a sanitizer costs differs from run to run by more than what is looked for.
if ! nm -D "$RAGD_BUILDDIR/ragd" | grep -qE '__(asan|ubsan|tsan)_'; then
	# Two processes differ by chance, too, on a busy machine above all: what one pair of them is found to differ in has
	# to be found in each of three.
	times() {
		local run
		for run in 1 2 3; do
			pair "t$run" || return 1
			two_users "t$run" times "$T/times" && return 0
			pair_stop
		done
		return 1
	}
	check "nor do times" times
fi
