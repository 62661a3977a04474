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

start_ragd -c "$T/ragd.conf" || exit 1
# One after the other, so that both daemons learn the same from the same, to the last bit.
handbook() { local f; for f in "$RAGD_SRCDIR"/docs/*.md; do rag add -c handbook "$f" >/dev/null || return 1; done; }
check "the handbook is there" handbook
first=$RAGD_PID
SOCKET=$T/second.sock RAGD_SOCKET=$T/second.sock
check "a second daemon runs beside" start_ragd -c "$T/ragd.conf" --state-dir "$T/second"
check "with the same handbook" handbook
check "${RAGD_TWO_USERS:-2000} requests tell nothing" \
	python3 "$RAGD_SRCDIR/tests/flow/two_users.py" "$T/ragd.sock" "$SOCKET" requests "${RAGD_TWO_USERS:-2000}"
# What a sanitizer costs differs from run to run by more than what is looked for.
nm -D "$RAGD_BUILDDIR/ragd" | grep -qE '__(asan|ubsan|tsan)_' ||
	check "nor do times" python3 "$RAGD_SRCDIR/tests/flow/two_users.py" "$T/ragd.sock" "$SOCKET" times
kill "$first" && wait "$first"
is "the first stops as it should" "$?" 0
