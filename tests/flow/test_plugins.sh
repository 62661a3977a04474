#!/bin/bash
# Plugins in the real daemon: the guide's first filter, reloads under way, modules and options that are wrong.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
command -v cc >/dev/null || skip "no command cc"
modules=$RAGD_BUILDDIR/tests/plugins/modules

# ---- the guide, word for word ---------------------------------------------------------------------

mkdir "$T/guide"
cd "$T/guide" || exit 99
awk '/^```c$/ { on = 1; next } /^```$/ { if (on) exit } on' "$RAGD_SRCDIR/docs/plugins.md" >codename.c
build() { cc -Wall -Wextra -Werror -I "$RAGD_SRCDIR/include" -shared -fPIC -fvisibility=hidden -o codename.so codename.c; }
check "the guide's filter builds with its one command" build
"$RAGD_BUILDDIR/ragd" --print-defaults >try.conf
eval "$(grep '^sed -i' "$RAGD_SRCDIR/docs/plugins.md")"
grep -q codename try.conf || fail "the guide's sed does not fit the defaults any more"
cat >>try.conf <<CONF
plugin "codename" {
	module = "$PWD/codename.so"
	phrase = "project heron"
}
CONF
exits "its configuration holds" 0 "$RAGD_BUILDDIR/ragd" --user --data-dir "$RAGD_SRCDIR/data" -t -c try.conf
start_ragd -c "$T/guide/try.conf" || exit 1
has "it blocks a prompt" "$(rag moderate "Tell me about Project HERON")" "block (score 1.00)"
has "it lets others pass" "$(rag moderate "Tell me about herons")" "allow"
exits "an answer that is blocked exits with 4" 4 rag ask "What is project heron?"
has "it says what the filter says" "$OUT" "That project has no name yet."
sed -i 's/has no name yet/is a bird/' codename.c
build
exits "a reload takes the new module" 0 rag reload
exits "blocked as before" 4 rag ask "What is project heron?"
has "but by the new one" "$OUT" "That project is a bird."

# In a list of options and in the log an instance goes by its name.
has "rag plugins shows its option" "$(rag plugins)" "project heron"
has "the log has its line" "$(cat "$T/ragd.log")" 'plugin=codename msg="guarding a phrase of 13 bytes"'
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0

# ---- a reload while an answer is being written ----------------------------------------------------

# conf [MORE]: two slow echoes, one filter; OLD is the prefix of `slow`.
conf() {
	cat <<CONF
plugin "slow" { module = "inference_echo" delay = $DELAY prefix = "$PREFIX " }
plugin "quick" { module = "inference_echo" }
plugin "words" { module = "blocklist" words = { "${WORD:-secret}" } }
policy "words" { filters = { "words" } }
assistant "default" { inference = "slow" policy = "words" grounded = no }
assistant "quick" { inference = "quick" policy = "words" grounded = no }
${1:-}
CONF
}
question="one two three four five six seven eight nine ten eleven twelve secret"
stream() { # MODEL FILE: in the background
	rm -f "$2"
	api /v1/chat/completions -N -d "{\"model\":\"$1\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"$question\"}]}" >"$2" &
	STREAM=$!
	wait_for grep -q '"content":"' "$2"
}
# The deltas of a stream, joined.
joined() { grep -o '"content":"[^"]*"' "$1" | sed 's/"content":"//; s/"$//' | tr -d '\n'; }
# Unstreamed.
says() { api /v1/chat/completions -d "{\"model\":\"$1\",\"messages\":[{\"role\":\"user\",\"content\":\"${2:-hello}\"}]}" | grep -o '"content":"[^"]*"'; }

DELAY=60ms PREFIX=old conf >"$T/a.conf"
start_ragd -c "$T/a.conf" || exit 1
# An answer that is over before the reload shows nothing: then once more, a slower one.
for DELAY in 60ms 300ms 1500ms 7500ms; do
	PREFIX=old conf >"$T/a.conf"
	exits "the old configuration" 0 rag reload
	stream default "$T/old.sse"
	PREFIX=new WORD=hello conf >"$T/a.conf"
	exits "a reload while an answer streams" 0 rag reload
	kill -0 "$STREAM" 2>/dev/null && break
done
check "the answer still streams" kill -0 "$STREAM"
old=$STREAM
stream default "$T/new.sse"
new=$STREAM
wait "$old" "$new"
has "a new answer comes from the new plugin, through the new filter" "$(joined "$T/new.sse")" "new one two"
has "what only the old filter knows passes the new one" "$(joined "$T/new.sse")" "twelve secret"
has "the old answer came to its end" "$(cat "$T/old.sse")" "[DONE]"
is "it was written by the old plugin and filtered by the old filter" "$(joined "$T/old.sse")" \
	"old one two three four five six seven eight nine ten eleven twelve ******"

# A plugin that the new configuration does not have at all finishes too.
stream default "$T/gone.sse"
gone=$STREAM
cat >"$T/a.conf" <<'CONF'
plugin "quick" { module = "inference_echo" prefix = "quick " }
policy "none" { }
assistant "default" { inference = "quick" policy = "none" grounded = no }
CONF
exits "a reload that drops the plugin at work" 0 rag reload
has "the new one answers meanwhile" "$(says default)" "quick hello"
wait "$gone"
has "the dropped one came to its end" "$(joined "$T/gone.sse")" "new one two three four five six seven eight nine ten eleven twelve secret"
PREFIX=back DELAY=0 conf >"$T/a.conf"
exits "and back" 0 rag reload
has "it answers again" "$(says default)" "back hello"

# ---- reloads that are refused change nothing ------------------------------------------------------

pid=$RAGD_PID
# refused NAME SENTENCE CONFIGURATION: rag reload fails and says so, and all is as before.
refused() {
	PREFIX=lost DELAY=0 conf "$3" >"$T/a.conf"
	exits "reload refused: $1" 1 rag reload
	has "the sentence: $1" "$OUT" "$2"
	has "the old plugins answer: $1" "$(says default)" "back hello"
}
if [ -f "$modules/good.so" ]; then
	refused "a module that crashes" "crashed while loading (signal 11" "plugin \"bad\" { module = \"$modules/crashes.so\" }"
	refused "a module that aborts" "crashed while loading (signal 6" "plugin \"bad\" { module = \"$modules/aborts.so\" }"
	refused "a module that exits" "ended the process while loading" "plugin \"bad\" { module = \"$modules/exits.so\" }"
	refused "another ABI" "built for plugin ABI 99, this ragd has 4" "plugin \"bad\" { module = \"$modules/abi_other.so\" }"
	refused "no plugin" "exports no 'ragd_plugin'" "plugin \"bad\" { module = \"$modules/no_symbol.so\" }"
	refused "open fails" "plugin 'bad' (peer): told to fail" "plugin \"bad\" { module = \"$modules/peer.so\" fail = \"yes\" }"
	cp "$modules/good.so" "$T/good.so"
	chmod 0777 "$T/good.so"
	refused "writable by others" "may be written by others" "plugin \"bad\" { module = \"$T/good.so\" }"
else
	echo "the modules of tests/plugins are not built: modules that are wrong were left out"
fi
refused "no such module" "no nowhere.so in" 'plugin "bad" { module = "nowhere" }'
refused "an unknown option" "delya" 'plugin "bad" { module = "inference_echo" delya = 5 }'
refused "a value out of range" "'-1' is not a whole number from 0 to 1000000" 'plugin "bad" { module = "inference_echo" fail_after = -1 }'
refused "what check refuses" "is not one word" 'plugin "bad" { module = "blocklist" words = { "two words" } }'
refused "a second plugin of the name" "quick" 'plugin "quick" { module = "inference_echo" }'
is "it is the same process all along" "$RAGD_PID" "$pid"
has "and it is healthy" "$(healthy)" ok
PREFIX=mended DELAY=0 conf >"$T/a.conf"
exits "a mended configuration is taken" 0 rag reload
has "by all" "$(says default)" "mended hello"
stop_ragd
is "the daemon ended well again" "$RAGD_STATUS" 0

# ---- the same at start ----------------------------------------------------------------------------

# stops NAME SENTENCE CONFIGURATION: ragd -t and ragd both end with 1 and say so.
stops() {
	PREFIX=x conf "$3" >"$T/a.conf"
	exits "ragd -t: $1" 1 "$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" -t -c "$T/a.conf"
	has "ragd -t says: $1" "$OUT" "$2"
	exits "ragd: $1" 1 "$RAGD_BUILDDIR/ragd" --user --socket "$SOCKET" --state-dir "$T/data" --data-dir "$RAGD_SRCDIR/data" -c "$T/a.conf"
	has "ragd says: $1" "$OUT" "$2"
}
if [ -f "$modules/good.so" ]; then
	stops "a module that crashes" "crashed while loading (signal 11" "plugin \"bad\" { module = \"$modules/crashes.so\" }"
	stops "another ABI" "built for plugin ABI 99, this ragd has 4" "plugin \"bad\" { module = \"$modules/abi_other.so\" }"
fi
stops "an unknown option" "delya" 'plugin "bad" { module = "inference_echo" delya = 5 }'
