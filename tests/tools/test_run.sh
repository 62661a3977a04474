#!/bin/bash
# generate, logits, perplexity and embed on small models, against what their references say.
. "$RAGD_SRCDIR/tests/tools/lib.sh"
need_models

tiny=$models/llm/stories260K/stories260K-F32.gguf
bert=$models/embeddings/static-bert/static-bert-F16.gguf

# near NAME GOT WANT WITHIN
near() { if awk -v a="$2" -v b="$3" -v d="$4" 'BEGIN { exit !(a != "" && a - b <= d && b - a <= d) }'; then pass "$1"; else fail "$1: got '$2', want '$3'"; fi; }
# field KEY: its number in the JSON on standard input
field() { grep -oE "\"$1\":[-0-9.e+]+" | head -n 1 | cut -d: -f2; }

# ---- logits: the reference's, for "Once upon a time"
ids=1,403,407,261,378
for kernel in portable avx2 avx512 vnni; do
	got=$(model logits -m "$tiny" --ids $ids --top 2 --json --kernel $kernel 2>"$T/err") || {
		has "logits: $kernel, which this processor lacks" "$(cat "$T/err")" \
			"kernels '$kernel': this processor cannot run them"
		continue
	}
	is "logits: $kernel: ids" "$(grep -oE '"id":[0-9]+' <<<"$got" | tr '\n' ' ')" '"id":432 "id":383 '
	near "logits: $kernel: the first" "$(field logit <<<"$got")" 17.7994 0.05
done
is "logits: --top" "$(model logits -m "$tiny" --ids "1 403" --top 7 | wc -l)" 7
is "logits: no more than there are" "$(model logits -m "$tiny" --ids 1 --top 1000 | wc -l)" 512
refuses "logits: a KV type that heads are too small for" 1 "needs heads of a multiple of 32" \
	logits -m "$tiny" --ids 1 --kv q8_0
refuses "logits: no ids" 2 "--ids is missing" logits -m "$tiny"
refuses "logits: an empty list" 1 "at least one token" logits -m "$tiny" --ids ,
refuses "logits: no number" 1 "'x' is not a token" logits -m "$tiny" --ids 1,x
refuses "logits: a number with a tail" 1 "'2x' is not a token" logits -m "$tiny" --ids 1,2x
refuses "logits: beyond the vocabulary" 1 "512 is not a token; the vocabulary has 0 to 511" \
	logits -m "$tiny" --ids 1,512
refuses "logits: below it" 1 "-1 is not a token" logits -m "$tiny" --ids 1,-1
refuses "logits: a number without end" 1 "is not a token" logits -m "$tiny" --ids 99999999999999999999
refuses "logits: more than the context" 1 "513 tokens, the context holds 512: 1 too many" \
	logits -m "$tiny" --ids "$(printf '1,%.0s' {1..513})"
refuses "logits: an encoder" 1 "a bert model is for embeddings" logits -m "$bert" --ids 1

# ---- generate: the reference's greedy text
want=", there was a little girl named Lily. She loved to play outside in the park. One day, she saw"
is "generate" "$(model generate -m "$tiny" -p "Once upon a time" -n 32)" "$want"
is "generate: from standard input" "$(printf 'Once upon a time' | model generate -m "$tiny" -n 32)" "$want"
is "generate: without drafts" "$(model generate -m "$tiny" -p "Once upon a time" -n 32 --draft 0)" "$want"
is "generate: one thread" "$(model generate -m "$tiny" -p "Once upon a time" -n 32 -t 1)" "$want"
got=$(model generate -m "$tiny" -p "Once upon a time" -n 3 --json)
has "generate --json: text" "$got" '"text":", there was"'
has "generate --json: counts" "$got" '"finish":"length","prompt_tokens":5,"tokens":3'
a=$(model generate -m "$tiny" -p "Once" -n 40 --temp 1 --seed 7)
is "generate: the same seed, the same text" "$(model generate -m "$tiny" -p "Once" -n 40 --temp 1 --seed 7 -t 1)" "$a"
b=$(model generate -m "$tiny" -p "Once" -n 40 --temp 1 --seed 8)
check "generate: another seed, another text" [ "$a" != "$b" ]
is "generate: an empty prompt has BOS" "$(model generate -m "$tiny" -p "" -n 4 --json | field prompt_tokens)" 1
is "generate: <s> is text" "$(model generate -m "$tiny" -p "<s>" -n 1 --json | field prompt_tokens)" \
	"$(($(printf '<s>' | model tokenize -m "$tiny" --ids --no-special | wc -w) + 1))"
is "generate --special: <s> is a token" \
	"$(model generate -m "$tiny" -p "<s>" -n 1 --special --json | field prompt_tokens)" 2
refuses "generate: more than the context" 1 "512" generate -m "$tiny" -p "$(printf 'word %.0s' {1..600})"
refuses "generate: an encoder" 1 "a bert model is for embeddings" generate -m "$bert" -p x
refuses "generate: a system message without --chat" 2 "--system is for --chat" \
	generate -m "$tiny" -p x --system y
refuses "generate: no template" 1 "the file has no chat template" generate -m "$tiny" -p x --chat
if [ -w /dev/full ]; then
	rc=0
	model generate -m "$tiny" -p "Once" -n 20 >/dev/full 2>"$T/err" || rc=$?
	is "generate: nobody can write" "$rc" 1
fi

# ---- a conversation, as the template puts it
jinja=$(find "$models/chat-templates" -name '*hatml*.jinja' | sort | head -n 1)
if [ -n "$jinja" ]; then
	check "retemplate" "$RAGD_BUILDDIR/tests/tools/retemplate" "$tiny" "$T/chat.gguf" "$jinja"
	has "info: the template" "$(model info -m "$T/chat.gguf" --json)" '"chat_template":"chatml"'
	n=$(model generate -m "$T/chat.gguf" --chat -p "Hello" -n 1 --json | field prompt_tokens)
	check "generate --chat: the template's own words come along" [ "$n" -gt 20 ]
	m=$(model generate -m "$T/chat.gguf" --chat -p "Hello" --system "Be brief." -n 1 --json | field prompt_tokens)
	check "generate --chat --system" [ "$m" -gt 20 ]
	check "generate --chat --system: it is in the prompt" [ "$m" != "$n" ]
fi
echo "{{ 'another' }}" >"$T/odd.jinja"
check "retemplate: one that is not known" "$RAGD_BUILDDIR/tests/tools/retemplate" "$tiny" "$T/odd.gguf" "$T/odd.jinja"
refuses "generate: a template that is not known" 1 "chat template is not known" generate -m "$T/odd.gguf" -p x --chat

# ---- perplexity: the reference's log-probabilities of "Once upon a time"
got=$(printf 'Once upon a time' | model perplexity -m "$tiny" --json)
near "perplexity: nats" "$(field nll <<<"$got")" 0.06852 0.0005
is "perplexity: tokens" "$(field tokens <<<"$got")" 4
text=$(for _ in {1..40}; do printf 'Once upon a time there was a dog. '; done)
got=$(printf '%s' "$text" | model perplexity -m "$tiny" --window 64 --json)
check "perplexity: windows" [ "$(field windows <<<"$got")" -ge 5 ]
is "perplexity: the second half of each counts" "$(field tokens <<<"$got")" \
	"$(($(field windows <<<"$got") * 32))"
check "perplexity: words in any order are worse" awk \
	-v a="$(field nll <<<"$got")" \
	-v b="$(printf 'dog time a was upon there Once a. %.0s' {1..40} | tr . '\n' | sort -R --random-source="$tiny" |
		model perplexity -m "$tiny" --window 64 --json | field nll)" 'BEGIN { exit !(a < b) }'
refuses "perplexity: nothing" 1 "the text is too short" perplexity -m "$tiny"

# ---- embed: the reference's vector of the first text
printf 'How do I reset my password?\nA second line\n' | model embed -m "$bert" >"$T/vectors"
is "embed: a line, a vector" "$(wc -l <"$T/vectors")" 2
near "embed: the first number" "$(head -n 1 "$T/vectors" | tr -d '[' | cut -d, -f1)" -0.09111 0.001
near "embed: the third" "$(head -n 1 "$T/vectors" | cut -d, -f3)" 0.220057 0.001
near "embed: unit length" "$(tail -n 1 "$T/vectors" | tr -d '[]' | tr , '\n' |
	awk '{ s += $1 * $1 } END { print s }')" 1 0.0001
is "embed: a causal model, too" "$(echo "A text" | model embed -m "$tiny" | tr , '\n' | wc -l)" 64
is "embed: alone or together" "$(printf 'A second line' | model embed -m "$bert")" "$(tail -n 1 "$T/vectors")"
is "embed: nothing" "$(printf '' | model embed -m "$bert" | wc -l)" 0

# ---- a quantised file says nearly the same
model quantize -m "$tiny" -o "$T/q8.gguf" --type q8_0 >/dev/null
is "quantize: Q8_0 continues alike" "$(model generate -m "$T/q8.gguf" -p "Once upon a time" -n 16)" \
	", there was a little girl named Lily. She loved to play"
model quantize -m "$tiny" -o "$T/q4.gguf" --type q4_k >/dev/null
near "quantize: Q4_K foresees nearly as well" \
	"$(printf '%s' "$want" | model perplexity -m "$T/q4.gguf" --json | field nll)" \
	"$(printf '%s' "$want" | model perplexity -m "$tiny" --json | field nll)" 0.15
