#!/bin/bash
# Calls of plugins that do not come back: the client is answered, others go on, the thread is replaced.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
modules=$RAGD_BUILDDIR/tests/flow/modules
stuck=$T/stuck

conf() { # ON_FAILURE
	cat <<CONF
ragd { threads = 2 drain_timeout = 1s }
plugin "echo" { module = "inference_echo" }
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "stuck" { module = "$modules/stuck_filter.so" while = "$stuck" deadline = 500ms on_failure = $1 }
plugin "words" { module = "blocklist" words = { "secret" } }
plugin "grounding" { module = "safety_grounding" }
policy "stuck" { filters = { "stuck", "words" } }
policy "grounded" { filters = { "stuck", "words", "grounding" } }
policy "words" { filters = { "words" } }
assistant "default" { inference = "echo" policy = "stuck" grounded = no }
assistant "documents" { inference = "extract" retrieval = "hybrid" policy = "grounded" }
assistant "other" { inference = "echo" policy = "words" grounded = no }
CONF
}

# ask MODEL TEXT: the reply's JSON
ask() { api /v1/chat/completions -d "{\"model\":\"$1\",\"messages\":[{\"role\":\"user\",\"content\":\"$2\"}]}"; }
# An earlier answer, on which it is stuck as an answer, not as the prompt that it is judged as first.
converse() { api /v1/chat/completions -d '{"model":"default","messages":[
	{"role":"user","content":"hello"},{"role":"assistant","content":"a stick"},{"role":"user","content":"go on"}]}'; }
moderate() { api /v1/moderations -d "{\"model\":\"stuck\",\"input\":$1}"; }
metric() { api /metrics | awk -v name="$1" '$1 == name { print $2 }'; }
lost() { metric ragd_threads_lost; }
calls() { metric 'ragd_plugin_calls_total{plugin="stuck"}'; }
is_lost() { [ "$(lost)" = "$1" ]; }
all_back() { [ "$(lost)" = 0 ]; }
let_go() {
	rm -f "$stuck"
	check "the lost threads come back" wait_for all_back
	touch "$stuck"
}

# What it returns then is not what the ABI allows: it would be counted if anybody looked at it.
no_faults() { hasnt "what the lost calls return is not judged" "$(api /metrics)" "ragd_plugin_faults_total"; }

# ---- on_failure = closed --------------------------------------------------------------------------

conf closed >"$T/a.conf"
touch "$stuck"
start_ragd -c "$T/a.conf" || exit 1
check "a document" api /v1/collections/default/documents/stick.txt -f -o "$T/reply" -X PUT \
	--data-binary "The stick that the secret gardener found is forty centimetres long."
is "nothing is lost yet" "$(lost)" 0
threads=$(metric ragd_threads)

reply=$(ask default "please hang")
has "a prompt on which the filter is stuck is refused" "$reply" '"finish_reason":"content_filter"'
has "as the filter's failure" "$reply" '"category":"filter_failure"'
has "the log names plugin, call and request" "$(grep event=call-lost "$T/ragd.log")" "plugin=stuck op=check request=req-"
is "the thread is counted" "$(lost)" 1
is "and its plugin blamed" "$(metric 'ragd_plugin_lost_calls_total{plugin="stuck"}')" 1
is "another took its place" "$(metric ragd_threads)" "$threads"
has "others are answered" "$(ask other "hello")" '"content":"hello"'
has "by the same filter too" "$(ask default "hello")" '"content":"hello"'

reply=$(ask default "say stick")
has "an answer on which it is stuck is refused" "$reply" '"finish_reason":"content_filter"'
hasnt "and does not leave" "$reply" "say stick"
has "in the log" "$(grep event=call-lost "$T/ragd.log")" "op=stream_feed"
hasnt "two lost threads are no reason to give a plugin up" "$(cat "$T/ragd.log")" "event=plugin-given-up"
has "an answer for which it does not open a stream is refused" "$(ask default "open up")" '"finish_reason":"content_filter"'
has "after the third it is given up" "$(cat "$T/ragd.log")" "event=plugin-given-up plugin=stuck"
before=$(calls)
has "from then on it fails at once" "$(ask default "hello")" "not called, because 3 calls to it have not returned"
is "and is not called" "$(calls)" "$before"
is "no more threads go" "$(lost)" 3
has "others are still answered" "$(ask other "hello")" '"content":"hello"'
let_go
has "then it filters again" "$(ask default "hello")" '"content":"hello"'
has "an earlier answer on which it is stuck is refused" "$(converse)" '"finish_reason":"content_filter"'
let_go

# The end of a stream, after that of the answer: it takes a thread, not the daemon.
has "an answer is given whose stream does not close" "$(ask default "shut up")" '"content":"shut up"'
has "meanwhile others are answered" "$(ask other "hello")" '"content":"hello"'
check "the thread is counted" wait_for is_lost 1
has "in the log" "$(grep event=call-lost "$T/ragd.log")" "op=stream_close"
has "two more are given" "$(ask default "shut up")$(ask default "shut up")" '"content":"shut up"'
check "each takes a thread" wait_for is_lost 3
has "then it is given up" "$(ask default "hello")" "not called, because 3 calls to it have not returned"
let_go
has "then it filters again" "$(ask default "hello")" '"content":"hello"'

reply=$(moderate '["hello", "please hang", "a secret"]')
is "of moderated texts those fail that it did not judge" "$(grep -o '"action":"[a-z]*"' <<<"$reply" | tr '\n' ' ')" \
	'"action":"allow" "action":"block" "action":"block" '
let_go
reply=$(ask documents "How long is the stick?")
has "a passage on which it is stuck is left out" "$reply" '"abstained":true'
let_go
no_faults

ask default "please hang" >/dev/null
stop_ragd
is "the daemon stops without waiting for it" "$RAGD_STATUS" 0
has "and says so" "$(tail -n 1 "$T/ragd.log")" "some calls into plugins have not returned"

# ---- on_failure = open ----------------------------------------------------------------------------

conf open >"$T/a.conf"
: >"$T/ragd.log"
start_ragd -c "$T/a.conf" || exit 1
has "a prompt goes on, through the filters behind" "$(ask default "please hang secret")" '"content":"please hang ******"'
let_go
before=$(calls)
has "a conversation goes on" "$(converse)" '"content":"go on"'
is "from the message and the stage at which it was stuck" "$(calls)" $((before + 3))
let_go
has "an answer goes on from where it was stuck" "$(ask default "say stick secret")" '"content":"say stick ******"'
let_go
has "an answer whose stream it did not open goes on" "$(ask default "open secret")" '"content":"open ******"'
let_go
reply=$(moderate '["hello", "please hang", "a secret"]')
is "moderated texts are judged by the others" "$(grep -o '"action":"[a-z]*"' <<<"$reply" | tr '\n' ' ')" \
	'"action":"allow" "action":"allow" "action":"redact" '
let_go
reply=$(ask documents "How long is the stick?")
has "a passage goes on" "$reply" "forty centimetres"
has "with what the filters behind make of it" "$reply" '******'
hasnt "and nothing else" "$reply" "secret gardener"
let_go

# Many at once, while others ask: no more than three threads go, everybody is answered.
for _ in 1 2 3 4 5 6 7 8; do
	ask default "please hang" >>"$T/many" &
	ask other "hello" >>"$T/others" &
done
wait $(jobs -p | grep -v "^$RAGD_PID$")
is "eight at once are answered" "$(grep -o '"content":"please hang"' "$T/many" | wc -l)" 8
is "and eight others" "$(grep -o '"content":"hello"' "$T/others" | wc -l)" 8
let_go
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0

# ---- search and model -----------------------------------------------------------------------------

cat >"$T/a.conf" <<CONF
ragd { threads = 2 drain_timeout = 1s }
plugin "model" { module = "$modules/stuck_model.so" while = "$stuck" deadline = 500ms }
plugin "echo" { module = "inference_echo" }
plugin "search" { module = "$modules/stuck_search.so" while = "$stuck" deadline = 500ms }
policy "none" { }
assistant "default" { inference = "echo" retrieval = "search" policy = "none" grounded = no }
assistant "model" { inference = "model" policy = "none" grounded = no }
CONF
: >"$T/ragd.log"
start_ragd -c "$T/a.conf" || exit 1
status() { api "$@" -o "$T/reply" -w '%{http_code}'; }
is "a search that is stuck is a 504" "$(status /v1/search -d '{"query":"please hang"}')" 504
has "that says why" "$(cat "$T/reply")" "search: search did not return in time"
has "an answer whose search is stuck, too" "$(ask default "please hang")" "search: search did not return"
has "an answer whose model is stuck, too" "$(ask model "please hang")" "model: generate did not return"
is "three threads are lost" "$(lost)" 3
has "others are answered" "$(ask default "hello")" '"content":"hello"'
reply=$(api /v1/chat/completions -N -d '{"model":"model","stream":true,"messages":[{"role":"user","content":"please hang"}]}')
has "of a stream what was written left" "$reply" '"content":"Well. "'
has "and it ends" "$reply" "[DONE]"
# Refusals fill no log: each kind of line comes once a second, however many ask.
for _ in 1 2; do ask model "please hang" >/dev/null; done
is "a model that was given up is a 503" "$(status /v1/chat/completions -d '{"model":"model","messages":[{"role":"user","content":"hello"}]}')" 503
began=$SECONDS
for _ in $(seq 60); do ask model "hello"; done >"$T/many"
seconds=$((SECONDS - began + 2))
is "sixty more are told so" "$(grep -o '"code":"unavailable"' "$T/many" | wc -l)" 60
for event in request-failed answer-failed; do
	lines=$(grep -c "event=$event .*not called, because 3 calls" "$T/ragd.log")
	check "$event: at most a line a second ($lines in $seconds s)" [ "$lines" -ge 1 -a "$lines" -le "$seconds" ]
done
let_go
put() { status "/v1/collections/default/documents/$1" -X PUT --data-binary "$2"; }
is "a document on which it is stuck is a 504" "$(put a.txt "please hang")" 504
has "that says why, too" "$(cat "$T/reply")" "search: put did not return in time"
is "another is taken" "$(put b.txt "hello")" 201
is "a text to embed on which it is stuck is a 504" "$(status /v1/embeddings -d '{"model":"model","input":"please hang"}')" 504
is "another is embedded" "$(status /v1/embeddings -d '{"model":"model","input":"hello"}')" 200
let_go
no_faults
has "then it answers" "$(ask model "hello")" "Well. Done."
stop_ragd
is "the daemon ended well again" "$RAGD_STATUS" 0
