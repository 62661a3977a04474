#!/bin/bash
# inference_upstream through the real daemon: another ragd is the server, over its Unix socket.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
need_plugin inference_upstream
command -v curl >/dev/null || skip "curl is missing"
command -v python3 >/dev/null || skip "python3 is missing"

# ---- the other ragd, far away ---------------------------------------------------------------------

FAR=$T/far.sock
FAR_PID=
mkdir "$T/far"
cat >"$T/far.conf" <<'CONF'
plugin "echo" { module = "inference_echo" }
plugin "slow" { module = "inference_echo" delay = 50ms }
plugin "breaks" { module = "inference_echo" fail_after = 3 }
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "grounding" { module = "safety_grounding" }
policy "none" { }
policy "grounded" { filters = { "grounding" } }
collection "default" { }
assistant "echo" { inference = "echo" policy = "none" grounded = no }
assistant "slow" { inference = "slow" policy = "none" grounded = no }
assistant "breaks" { inference = "breaks" policy = "none" grounded = no }
assistant "reads" { inference = "extract" retrieval = "hybrid" policy = "grounded" grounded = yes }
CONF
far_start() {
	"$RAGD_BUILDDIR/ragd" --user --socket "$FAR" --state-dir "$T/far" --data-dir "$RAGD_SRCDIR/data" \
		-c "$T/far.conf" >"$T/far.out" 2>>"$T/far.log" </dev/null &
	FAR_PID=$!
	wait_for curl -sf --max-time 5 --unix-socket "$FAR" http://ragd/healthz || { cat "$T/far.log"; exit 1; }
}
far_stop() { # [SIGNAL]
	[ -z "$FAR_PID" ] || kill -"${1:-TERM}" "$FAR_PID" 2>/dev/null
	wait "$FAR_PID" 2>/dev/null
	FAR_PID=
}
# What the other one's sanitizer said counts too.
far_end() {
	local rc=$?
	far_stop KILL
	cat "$T/far.log" >>"$T/ragd.log"
	return "$rc"
}
trap 'far_end; finish' EXIT
far_metric() { curl -s --max-time 5 --unix-socket "$FAR" http://ragd/metrics | sed -n "s/^$1 //p"; }

# ---- this one -------------------------------------------------------------------------------------

mkdir "$T/docs"
cat >"$T/docs/pool.md" <<'DOC'
# Thread pool

The pool runs work that would block the loop.

Its default size is 4 threads, but it can be changed at startup with the variable POOL_SIZE. The
absolute maximum is 1024 threads.
DOC
printf 'sk-very-secret\n' >"$T/key"
chmod 600 "$T/key"
# conf [OPTION…]: of every upstream
conf() {
	local m
	cat <<CONF
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "grounding" { module = "safety_grounding" }
policy "none" { }
policy "grounded" { filters = { "grounding" } }
collection "default" { }
CONF
	for m in echo slow breaks reads; do
		cat <<CONF
plugin "$m" {
	module = "inference_upstream"
	endpoints = { "unix:$FAR" }
	model = "$m"
	health = healthz
	health_interval = 50ms
	down_time = 50ms
	retry_delay = 10ms
	api_key_file = "$T/key"
	$*
}
assistant "$m" { inference = "$m" policy = "none" grounded = no }
CONF
	done
	echo 'assistant "default" { inference = "echo" retrieval = "hybrid" policy = "grounded" }'
}
conf >"$T/ragd.conf"
far_start
RAGD_SOCKET=$FAR rag add "$T/docs" >/dev/null || exit 1
start_ragd -c "$T/ragd.conf" || exit 1
exits "documents are added" 0 rag add "$T/docs"
metric() { api /metrics | sed -n "s/^$1 //p"; }
# up N: every plugin has found that N of its servers are well; each asks for itself.
up() {
	local m
	for m in echo slow breaks reads; do
		[ "$(metric "ragd_plugin_healthy_endpoints{plugin=\"$m\"}")" = "$1" ] || return 1
	done
}
check "the server is found" wait_for up 1

body() { # MODEL TEXT [JSON MEMBERS]
	python3 -c 'import json,sys; b={"model":sys.argv[1],"messages":[{"role":"user","content":sys.argv[2]}]}; b.update(json.loads(sys.argv[3])); print(json.dumps(b))' \
		"$1" "$2" "${3:-{\}}"
}
ask() { body "$@" | api /v1/chat/completions -d @-; }
get() { python3 -c 'import json,sys; r=json.load(sys.stdin); print(eval("r"+sys.argv[1]))' "$1"; }
# The deltas of a stream, joined.
joined() { grep -o '"content":"[^"]*"' "$1" | sed 's/"content":"//; s/"$//' | tr -d '\n'; }

# ---- answers --------------------------------------------------------------------------------------

reply=$(ask echo "one two thrée")
is "an answer comes from there" "$(get '["choices"][0]["message"]["content"]' <<<"$reply")" "one two thrée"
is "its tokens are counted there" "$(get '["usage"]["completion_tokens"]' <<<"$reply")" 3
is "max_tokens is passed on" "$(get '["choices"][0]["finish_reason"]' <<<"$(ask echo "one two three" '{"max_tokens":2}')")" length
ask slow "one two three" '{"stream":true}' >"$T/sse"
is "it streams" "$(joined "$T/sse")" "one two three"
check "in pieces" test "$(grep -c '"content":"' "$T/sse")" -ge 3
reply=$(ask reads "What is the default size of the pool?")
has "it may read documents of its own" "$reply" "4 threads"
exits "what these do not say is no answer here either" 3 rag ask -a reads "Who won the football match?"
exits "a grounded answer of this daemon" 0 rag ask "What is the default size of the pool?"
has "rests on its own documents" "$OUT" "4 threads"
has "and cites them" "$OUT" "[1]"
has "the system card says where" "$(api /v1/system-card)" "another program on this machine"

reply=$(api /v1/embeddings -d '{"model":"echo","input":["a fox","a fox","no"]}')
is "embeddings come from there" "$(get '["data"][2]["index"]' <<<"$reply")" 2
is "the same for the same" "$(get '["data"][0]["embedding"]==r["data"][1]["embedding"]' <<<"$reply")" True

# ---- clients that leave ---------------------------------------------------------------------------

far_active() { [ "$(far_metric ragd_answers_active)" = "$1" ]; }
body slow "$(seq -s ' ' 500)" '{"stream":true}' >"$T/body"
curl -sN --max-time "$HANG_S" --unix-socket "$SOCKET" http://ragd/v1/chat/completions -d "@$T/body" >"$T/left" &
client=$!
check "an answer is at work there" wait_for far_active 1
check "and streams" wait_for grep -q '"content":"' "$T/left"
kill "$client"
wait "$client" 2>/dev/null
check "the client leaves, and so does its work there" wait_for far_active 0

# ---- what goes wrong ------------------------------------------------------------------------------

ask breaks "one two three four five" '{"stream":true}' >"$T/sse"
has "an answer that breaks off there has begun here" "$(joined "$T/sse")" "one two "
has "and ends with an error" "$(cat "$T/sse")" "broke off in the middle of the answer"
exits "which rag says too" 1 rag ask -a breaks "one two three four five"
has "with the server's words" "$OUT" "failed as fail_after asks"

curl -sN --max-time "$HANG_S" --unix-socket "$SOCKET" http://ragd/v1/chat/completions -d "@$T/body" >"$T/killed" &
client=$!
check "another answer is at work" wait_for grep -q '"content":"' "$T/killed"
far_stop KILL
wait "$client"
has "the server dies: the answer says that it broke off" "$(cat "$T/killed")" "broke off in the middle of the answer"
check "it counts as gone" wait_for up 0
code=$(body echo hello | api /v1/chat/completions -d @- -o "$T/reply" -D "$T/head" -w '%{http_code}')
is "nobody there: 503" "$code" 503
has "with Retry-After" "$(tr '[:upper:]' '[:lower:]' <"$T/head")" "retry-after: 1"
has "the log says why" "$(cat "$T/ragd.log")" "is down"
far_start
check "it comes back" wait_for up 1
is "and answers" "$(get '["choices"][0]["message"]["content"]' <<<"$(ask echo "welcome back")")" "welcome back"

# ---- limits, reloads, the key ---------------------------------------------------------------------

curl -sN --max-time "$HANG_S" --unix-socket "$SOCKET" http://ragd/v1/chat/completions -d "@$T/body" >"$T/old" &
client=$!
check "an answer is at work before a reload" wait_for grep -q '"content":"' "$T/old"
conf "max_requests = 1" >"$T/ragd.conf"
exits "the reload" 0 rag reload
check "the answer goes on" kill -0 "$client"
kill "$client"
wait "$client" 2>/dev/null
check "until its client leaves" wait_for far_active 0
curl -sN --max-time "$HANG_S" --unix-socket "$SOCKET" http://ragd/v1/chat/completions -d "@$T/body" >"$T/one" &
client=$!
check "one answer is at work, and no more may be" wait_for grep -q '"content":"' "$T/one"
has "the next is told so" "$(ask slow hello)" "which is the limit (max_requests)"
kill "$client"
wait "$client" 2>/dev/null

conf | sed 's|"unix:|"ftp:|' >"$T/bad.conf"
exits "ragd -t judges the endpoints" 1 "$RAGD_BUILDDIR/ragd" -t -c "$T/bad.conf" --data-dir "$RAGD_SRCDIR/data"
has "and says how they look" "$OUT" "unix:/path"
chmod 644 "$T/key"
conf 'failures = 5' >"$T/ragd.conf"
exits "a key that others may read is refused" 1 rag reload
has "with what to do" "$OUT" "chmod 0600"
hasnt "the key is not in the log" "$(cat "$T/ragd.log")" "very-secret"
hasnt "nor in what rag plugins shows" "$(rag plugins)" "very-secret"
check "requests are counted" test "$(metric 'ragd_plugin_requests_total{plugin="echo"}')" -ge 5
check "first tokens are timed" test "$(metric 'ragd_plugin_first_tokens_total{plugin="echo"}')" -ge 3
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0
far_stop

# ---- TLS ------------------------------------------------------------------------------------------

if ! command -v openssl >/dev/null; then
	echo "openssl is missing: TLS was left out"
	exit
fi
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/tls.key" -out "$T/tls.crt" \
	-days 2 -subj /CN=ragd-test -addext subjectAltName=IP:127.0.0.1 2>/dev/null || { fail "openssl makes a certificate"; exit; }
python3 - "$T/tls.crt" "$T/tls.key" "$T/port" <<'PY' &
import http.server, json, os, ssl, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def say(self, kind, text):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self):
        self.say("application/json", json.dumps({"data": [{"id": "m"}]}))
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        chunk = {"choices": [{"delta": {"content": "in private"}, "finish_reason": "stop"}]}
        self.say("text/event-stream", "data: %s\n\ndata: [DONE]\n\n" % json.dumps(chunk))
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(sys.argv[3] + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[3] + ".new", sys.argv[3])
server.serve_forever()
PY
FAR_PID=$! # ended with the rest
wait_for test -s "$T/port" || { fail "a server with TLS"; exit; }
port=$(cat "$T/port")
# secure NAME URL [OPTION…]: an assistant of that name
secure() {
	local name=$1 url=$2
	shift 2
	cat <<CONF
plugin "$name" { module = "inference_upstream" endpoints = { "$url" } model = "m" retry_delay = 1ms $* }
assistant "$name" { inference = "$name" policy = "none" grounded = no }
CONF
}
{
	echo 'policy "none" { }'
	secure strict "https://127.0.0.1:$port"
	secure trusting "https://127.0.0.1:$port" "tls_ca = \"$T/tls.crt\""
	secure misled "https://localhost:$port" "tls_ca = \"$T/tls.crt\""
	secure blind "https://localhost:$port" "tls_verify = no"
	secure plain "http://127.0.0.1:$port"
} >"$T/ragd.conf"
start_ragd -c "$T/ragd.conf" || exit 1
has "a certificate that is trusted" "$(ask trusting hello)" "in private"
for who in strict misled plain; do
	reply=$(ask $who hello)
	hasnt "no answer: $who" "$reply" "in private"
done
has "an authority that nobody knows is refused" "$(grep plugin=strict "$T/ragd.log")" "certificate"
has "another's certificate too" "$(grep plugin=misled "$T/ragd.log")" "localhost"
has "unless nobody is to look" "$(ask blind hello)" "in private"
has "which the log warns of" "$(grep plugin=blind "$T/ragd.log")" "anybody may pretend"
stop_ragd
is "the daemon ended well with TLS" "$RAGD_STATUS" 0
