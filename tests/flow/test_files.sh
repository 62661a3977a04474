#!/bin/bash
# Files that decide: what `ragd -t` finds wrong with them, what a reload reads again, and whose they may be.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"

# try [ARGUMENT…]: ragd -t with the test's configuration.
try() { TMPDIR=$T/tmp "$RAGD_BUILDDIR/ragd" --user --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" -t -c "$T/ragd.conf" "$@"; }
conf() {
	cat >"$T/ragd.conf" <<CONF
ragd { mode = 0666 }
plugin "extract" { module = "inference_extract" }
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" rules = "$T/house.rules" }
policy "open" { filters = { "basic" } }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "open" grounded = no }
$1
CONF
}
rules() { printf 'category house House rules\n\tmessage %s\nrule house.name block prompt\n\tfind "project heron"\n' "$1" >"$T/house.rules"; }
verdict() { rag moderate --policy open "Tell me about Project Heron"; }
mkdir "$T/tmp"

# ---- ragd -t, beside a daemon that runs ----
rules "Not here."
conf 'collection "default" { }'
start_ragd -c "$T/ragd.conf" || exit 1
has "the rules hold" "$(verdict)" "block"
before=$(find "$T/data" -type f -printf '%p %i %s %T@\n' | sort)
exits "what holds is told so" 0 try
is "in one line" "$OUT" "$T/ragd.conf: ok"
echo "nonsense" >>"$T/house.rules"
exits "rules that do not parse" 1 try
has "are named with their line" "$OUT" "plugin 'basic' (safety_basic): house.rules:5: "
rm "$T/house.rules"
exits "rules that are missing" 1 try
has "are named" "$OUT" "open $T/house.rules: No such file"
rules "Not here."
if has_plugin inference_gguf; then
echo "no model" >"$T/m.gguf"
conf "plugin \"llm\" { module = \"inference_gguf\" model = \"$T/m.gguf\" }"
exits "a file that is no model" 1 try
has "is named" "$OUT" "$T/m.gguf"
rm "$T/m.gguf"
exits "a model that is missing" 1 try
has "is named, too" "$OUT" "m.gguf': No such file"
fi
is "the daemon's state is as it was" "$(find "$T/data" -type f -printf '%p %i %s %T@\n' | sort)" "$before"
is "and nothing is left behind" "$(ls "$T/tmp")" ""
story=$shared/models/llm/tinystories-656K/tinystories-656K-Q8_0.gguf
if has_plugin inference_gguf && [ -r "$story" ]; then
	conf "plugin \"llm\" { module = \"inference_gguf\" model = \"$story\" template = plain }"
	exits "a model that is one" 0 try
	conf "plugin \"llm\" { module = \"inference_gguf\" model = \"$story\" template = plain kernels = none_such }"
	exits "what it cannot be run with" 1 try
	has "is said of it, too" "$OUT" "kernels"
fi

if has_plugin inference_upstream; then
upstream() { conf "plugin \"up\" { module = \"inference_upstream\" endpoints = { \"https://127.0.0.1:9\" } tls_ca = \"$T/open/ca.pem\" }"; }
mkdir "$T/open"
upstream
exits "certificates that are missing" 1 try
has "are named" "$OUT" "tls_ca: $T/open/ca.pem: No such file"
: >"$T/open/ca.pem"
exits "certificates that nobody else can replace" 0 try
chmod 777 "$T/open"
exits "those that somebody can" 1 try
has "are refused" "$OUT" "tls_ca: the folder $T/open may be written by others"
fi

# ---- reload ----
conf 'collection "default" { }'
mkdir "$T/docs"
echo "The answer to everything is 42." >"$T/docs/answer.txt"
exits "a document is added" 0 rag add "$T/docs"
lock=$(stat -c %Y:%i "$T/data/plugins/hybrid/lock")
rules "Not today."
exits "a reload" 0 rag reload
is "names what they changed" "$(grep -o 'event=reloaded .*' "$T/ragd.log")" "event=reloaded generation=2 changed=plugin.basic"
has "reads changed rules" "$(rag ask "Tell me about Project Heron" 2>&1)" "Not today."
has "and keeps the store" "$(rag search everything)" "42"
echo "nonsense" >>"$T/house.rules"
exits "rules that do not parse" 1 rag reload
has "are told to whoever reloads" "$OUT" "house.rules:5: "
has "and those from before stay" "$(rag ask "Tell me about Project Heron" 2>&1)" "Not today."
rules "Not today."
printf 'rule house.more block prompt\n\tfind "project egret"\n' >"$T/house.new"
cat "$T/house.new" >>"$T/house.rules"
kill -HUP "$RAGD_PID"
more() { rag moderate --policy open "Tell me about Project Egret" | grep -q block; }
check "a HUP reads them as well" wait_for more
is "the store was never opened again" "$(stat -c %Y:%i "$T/data/plugins/hybrid/lock")" "$lock"

is "nothing of the state is anybody else's to read" "$(find "$T/data" -perm /077)" ""

# ---- whose collection it is ----
command -v setpriv >/dev/null && [ "$(id -u)" = 0 ] || { echo "not root, or no setpriv: nobody else makes a collection"; exit 0; }
chmod 711 "$T"
as() { setpriv --reuid "$1" --regid "$1" --clear-groups curl -s --max-time "$HANG_S" --unix-socket "$SOCKET" "http://ragd$2" "${@:3}"; }
has "somebody makes a collection" "$(as 12345 /v1/collections/handbook -X PUT -d '{}')" '"name":"handbook"'
conf 'collection "default" { }
collection "handbook" { }'
exits "the configuration names one like it" 1 rag reload
has "whose it is is said" "$OUT" 'collection "handbook": it exists with owner 12345, group 12345, mode 0600; the configuration says owner 0, group 0, mode 0600'
stop_ragd
exits "nor does it start so" 1 timeout "$HANG_S" "$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" -c "$T/ragd.conf"
has "and says the same" "$OUT" 'collection \"handbook\": it exists with owner 12345'
conf 'collection "default" { }'
start_ragd -c "$T/ragd.conf" || exit 1
exits "an administrator takes it over" 0 rag collection handbook --owner 0 --group 0
conf 'collection "default" { }
collection "handbook" { }'
exits "and the configuration may name it" 0 rag reload
