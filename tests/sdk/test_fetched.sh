#!/bin/bash
# Models as their makers publish them: the encoder that ships is made from its original, byte for byte; a small
# language model answers from a document. tests/sdk/run fetches them to $RAGD_TEST_MODELS.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
need_plugin inference_gguf
minilm=$RAGD_TEST_MODELS/minilm
smollm=$RAGD_TEST_MODELS/smollm2-135m-instruct-q4_1.gguf
[ -r "$minilm/model.safetensors" ] && [ -r "$smollm" ] || skip "the models are absent"

RAGD_MODEL=$RAGD_BUILDDIR/ragd-model exits "the encoder is made" 0 \
	"$RAGD_SRCDIR/data/encoders/make" "$minilm" "$T/made.gguf"
check "it is the file that ships" cmp "$T/made.gguf" "$RAGD_SRCDIR/data/encoders/all-MiniLM-L6-v2-Q8_0.gguf"

cat >"$T/ragd.conf" <<CONF
plugin "smollm" { module = "inference_gguf" model = "$smollm" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "grounding" { module = "safety_grounding" }
policy "grounded" { filters = { "grounding" } }
collection "default" { }
assistant "default" {
	inference = "smollm"
	retrieval = "hybrid"
	policy = "grounded"
	grounded = yes
	temperature = 0
	max_tokens = 60
}
CONF
mkdir "$T/docs"
cat >"$T/docs/museum.md" <<'DOC'
# The museum

The museum opens at 9 in the morning. A ticket costs 12 euros.
DOC
start_ragd -c "$T/ragd.conf" || exit 1
exits "a document is added" 0 rag add "$T/docs"
exits "SmolLM2 answers" 0 rag ask "How much does a ticket for the museum cost?"
has "as the document says" "$OUT" "12 euros"
has "and cites it" "$OUT" "[1]"
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0
