#!/bin/bash
# What configure left out is not there, and what is left answers: whichever parts this build has.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"

# with PART: 1 or 0, as configure was told
with() { sed -n "s/^#define WITH_$1 //p" "$RAGD_BUILDDIR/config.h"; }
there() { if "$@" >/dev/null 2>&1; then echo 1; else echo 0; fi; }

is "ragd-model" "$(there [ -x "$RAGD_BUILDDIR/ragd-model" ])" "$(with GGUF)"
hybrid=$RAGD_BUILDDIR/plugins/retrieval_hybrid/.libs/retrieval_hybrid.so
is "OpenBLAS" "$(there grep -q libopenblas "$hybrid")" "$(with OPENBLAS)"
for part in GGUF:inference_gguf UPSTREAM:inference_upstream; do
	module=${part#*:}
	is "$module" "$(there has_plugin "$module")" "$(with "${part%:*}")"
	has_plugin "$module" && continue
	echo "plugin \"model\" { module = \"$module\" }" >"$T/ragd.conf"
	exits "a configuration with $module" 1 "$RAGD_BUILDDIR/ragd" -t -c "$T/ragd.conf" --data-dir "$RAGD_SRCDIR/data"
	has "says what it misses" "$OUT" "'$module'"
done

is "the encoder in the defaults" "$(there grep -q all-MiniLM <<<"$("$RAGD_BUILDDIR/ragd" --print-defaults)")" "$(with ENCODER)"

start_ragd || exit 1
exits "the guides are added" 0 rag add "$RAGD_SRCDIR/docs"
made() { rag status --json | grep -Eq '"passages": ?([1-9][0-9]*),"vectors": ?\1,'; }
WAIT_S=300 # a sanitizer takes its time with a model
check "they have vectors" wait_for made
# The encoder's have 384 numbers, learned ones 128.
n=$(api /v1/embeddings -d '{"input":"who may read a collection"}' | grep -o '"embedding":\[[^]]*' | tr -cd , | wc -c)
is "numbers in a vector" $((n + 1)) $((128 + $(with ENCODER) * (384 - 128)))
is "the encoder in the list of models" "$(there grep -q '"id":"encoder"' <<<"$(api /v1/models)")" "$(with ENCODER)"
exits "a question is answered" 0 rag ask "Who may read a collection?"
has "from one of them" "$OUT" ".md"
