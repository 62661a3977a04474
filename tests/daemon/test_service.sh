#!/bin/bash
# The life of the daemon: command line, start, what is refused, reload, drain, stop.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
export RAGD_PLUGIN_PATH=$RAGD_BUILDDIR/tests/daemon/modules

ragd() { "$RAGD_BUILDDIR/ragd" --user "$@"; }
# The same in the background, as RAGD_PID.
background() { "$RAGD_BUILDDIR/ragd" --user "$@" 2>>"$T/ragd.log" </dev/null & RAGD_PID=$!; }
# The log since the last `mark`.
mark() { LOG_FROM=$(wc -c <"$T/ragd.log"); }
log() { tail -c +$((LOG_FROM + 1)) "$T/ragd.log"; }
logs() { log | grep -q -- "$1"; }
conf() { cat >"$T/ragd.conf"; }
mode_of() { stat -c %a "$1"; }
# Ask in the background; the answer goes to $T/answer. $1 is the FIFO that the answer waits for.
ask_waiting() {
	mkfifo "$1"
	api /v1/chat/completions -d "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"wait for $1\"}]}" >"$T/answer" &
	ASK_PID=$!
	wait_for busy
}
# Let what waits for the FIFO $1 go on.
pass_gate() { timeout "$HANG_S" bash -c 'echo >"$1"' gate "$1"; }
busy() { api /metrics | grep -q '^ragd_answers_active 1'; }
OPEN='plugin "i" { module = inference_extract }
policy "open" { }
assistant "a" { inference = i policy = open grounded = no }'
: >"$T/ragd.log"
LOG_FROM=0

# ---- the command line ----
exits "version" 0 ragd --version
has "version is the package's" "$OUT" "ragd "
exits "help" 0 ragd --help
has "help names options" "$OUT" "--print-defaults"
exits "unknown option" 2 ragd --nope
has "unknown option is named" "$OUT" "--nope"
exits "defaults are checked" 0 ragd -t
is "defaults are ok" "$OUT" "built-in defaults: ok"
ragd --print-defaults >"$T/ragd.conf"
exits "printed defaults are a file" 0 ragd -t -c "$T/ragd.conf"
is "the file is ok" "$OUT" "$T/ragd.conf: ok"
printf 'ragd {\n  soket = "/x"\n}\n' | conf
exits "a bad file" 1 ragd -t -c "$T/ragd.conf"
has "a bad file's line" "$OUT" "$T/ragd.conf:2: option 'soket' is not known in ragd"
printf 'plugin "x" { module = sample number = 13 }\n' | conf
exits "what a plugin's check refuses" 1 ragd -t -c "$T/ragd.conf"
has "the check's words" "$OUT" "number = 13 does not go"
{
	seq -f 'plugin "f%g" { module = safety_basic }' 17
	printf 'policy "p" {\n  filters = { %s }\n}\n' "$(seq -f 'f%g' -s ', ' 17)"
} | conf
exits "a filter too many" 1 ragd -t -c "$T/ragd.conf"
has "its line" "$OUT" "$T/ragd.conf:19: policy \"p\": filters takes at most 16"
exits "no such file" 1 ragd -t -c "$T/none.conf"
exits "a bad file does not start" 1 ragd -c "$T/none.conf" --socket "$SOCKET" --state-dir "$T/data"
has "it says why" "$OUT" "event=start-failed error="
check "and leaves no socket" test ! -e "$SOCKET"

# ---- start ----
start_ragd || exit 1
READY=$(log | grep event=ready)
has "ready: version" "$READY" " version="
has "ready: socket" "$READY" " socket=\"$SOCKET\""
grep -q '^#define WITH_ENCODER 1' "$RAGD_BUILDDIR/config.h" && encoder=,encoder || encoder=
has "ready: plugins" "$READY" " plugins=extract,hybrid,basic,grounding$encoder "
has "ready: assistants" "$READY" " assistants=default "
has "ready: time" "$READY" " ready_ms="
is "socket is the user's" "$(mode_of "$SOCKET")" 600
is "state is private" "$(mode_of "$T/data")" 700
is "healthz" "$(api /healthz)" '{"status":"ok"}'
has "the collection was made" "$(api /v1/status)" '"collections":1'

# ---- another one beside it ----
exits "same state directory" 1 ragd --socket "$T/other.sock" --state-dir "$T/data"
has "names the process" "$OUT" "is in use by another ragd, process $RAGD_PID"
exits "same socket" 1 ragd --socket "$SOCKET" --state-dir "$T/data2"
has "names the socket" "$OUT" "another daemon answers on '$SOCKET'"
is "the first still answers" "$(api /healthz)" '{"status":"ok"}'

# ---- stop ----
mark
stop_ragd
is "TERM ends well" "$RAGD_STATUS" 0
check "it said so" logs event=stopped
check "the socket is gone" test ! -e "$SOCKET"

# ---- what lies in the way ----
start_ragd || exit 1
stop_ragd KILL
check "a killed daemon leaves its socket" test -S "$SOCKET"
start_ragd || exit 1
is "a stale socket is replaced" "$(api /healthz)" '{"status":"ok"}'
stop_ragd INT
is "INT ends well too" "$RAGD_STATUS" 0
echo precious >"$SOCKET"
exits "a file in the way" 1 ragd --socket "$SOCKET" --state-dir "$T/data"
has "is not overwritten" "$OUT" "it is not a socket and stays as it is"
is "it is as it was" "$(cat "$SOCKET")" precious
rm "$SOCKET"
LONG=$T/$(printf 'x%.0s' $(seq 100))
exits "a path too long" 1 ragd --socket "$LONG" --state-dir "$T/data"
has "both lengths" "$OUT" "has ${#LONG} bytes, but a Unix socket's may have at most 107"
mkdir -m 0777 "$T/open" && chmod 0777 "$T/open"
exits "a state directory for all to write" 1 ragd --socket "$SOCKET" --state-dir "$T/open"
has "is refused" "$OUT" "may be written by others"


# ---- a start that hangs hears a signal ----
HANGS=$RAGD_BUILDDIR/tests/plugins/modules/hangs.so
if [ -e "$HANGS" ]; then
	printf 'plugin "h" { module = "%s" }\n' "$HANGS" | conf
	background -c "$T/ragd.conf" --socket "$SOCKET" --state-dir "$T/data"
	loading() { grep -q hangs.so "/proc/$RAGD_PID/maps"; }
	check "a module's constructor does not return" wait_for loading
	stop_ragd
	is "TERM ends that" "$RAGD_STATUS" 143
fi

# ---- what it keeps is nobody else's to read ----
rm "$SOCKET" 2>/dev/null
LOOSE=$T/loose
mkdir -p -m 755 "$LOOSE/plugins/hybrid" && chmod 755 "$LOOSE" "$LOOSE/plugins" "$LOOSE/plugins/hybrid"
(umask 022; : >"$LOOSE/journal.db"; : >"$LOOSE/plugins/hybrid/left.over")
mark
(umask 022; exec "$RAGD_BUILDDIR/ragd" --user --socket "$T/new/dir/s" --state-dir "$LOOSE" 2>>"$T/ragd.log" </dev/null) &
RAGD_PID=$!
there() { curl -sf --unix-socket "$T/new/dir/s" http://ragd/healthz; }
check "it starts on a state directory that others could read" wait_for there
check "and says what it did" logs "event=state-tightened state_dir=\"$LOOSE\" changed=5 "
is "nothing of it is open to others" "$(find "$LOOSE" -perm /077)" ""
is "the socket's directory is its user's" "$(mode_of "$T/new/dir")" 700
is "those above are made as ever" "$(mode_of "$T/new")" 755
stop_ragd

# ---- locks that others hold ----
if command -v flock >/dev/null; then
	flock "$T" sleep 60 &
	FLOCK_PID=$!
	holds() { ! flock -n "$T" true; }
	check "somebody locks the socket's directory" wait_for holds
	start_ragd || exit 1
	is "it starts all the same" "$(api /healthz)" '{"status":"ok"}'
	stop_ragd
	kill "$FLOCK_PID" 2>/dev/null
	wait "$FLOCK_PID" 2>/dev/null
fi

if [ "$(id -u)" = 0 ] && ! grep -q nosuid <(findmnt -no OPTIONS -T "$T"); then
	cp "$RAGD_BUILDDIR/ragd" "$T/setuid" && chown 65534 "$T/setuid" && chmod 4755 "$T/setuid" && chmod 711 "$T"
	exits "a set-uid program" 1 "$T/setuid" --user -t
	has "takes no modules from the environment" "$OUT" "RAGD_PLUGIN_PATH is refused"
fi

# ---- its own places ----
background
check "XDG directories" wait_for curl -sf --unix-socket "$T/run/ragd/ragd.sock" http://ragd/healthz
check "XDG state" test -e "$T/state/ragd/lock"
stop_ragd

# ---- while plugins open ----
mkfifo "$T/gate"
printf '%s\nplugin "s" { module = sample file = "%s" }\n' "$OPEN" "$T/gate" | conf
background --socket "$SOCKET" --state-dir "$T/data" -c "$T/ragd.conf"
starting() { [ "$(api /healthz)" = '{"status":"starting"}' ]; }
check "healthz while starting" wait_for starting
is "other requests while starting" "$(api /v1/models -o /dev/null -w '%{http_code}')" 503
opening() { has_text "$(api /v1/models)" "ragd is starting (plugin 's': waiting for somebody to write, 25 %)"; }
has_text() { case $1 in *"$2"*) true ;; *) false ;; esac; }
check "what it is at" wait_for opening
has "and in the status" "$(api /v1/status)" '"state":"starting"'
has "with how far it is" "$(api /v1/status)" "\"opening\":\"plugin 's': waiting for somebody to write, 25 %\""
mark
pass_gate "$T/gate"
check "then ready" wait_for logs event=ready
stop_ragd
background --socket "$SOCKET" --state-dir "$T/data" -c "$T/ragd.conf"
wait_for starting
mark
kill -TERM "$RAGD_PID"
check "TERM while starting" wait_for logs event=draining
pass_gate "$T/gate"
stop_ragd 0
is "ends once the plugins are open" "$RAGD_STATUS" 0
check "and was never ready" eval '! logs event=ready'
pass_gate "$T/gate" &
GATE_PID=$!
start_ragd -c "$T/ragd.conf" || exit 1
wait "$GATE_PID"

# ---- reload ----
mark
pass_gate "$T/gate" & # a sample with other options opens anew
printf 'ragd { log_level = debug threads = 7 }\nlimits { queue = 3 }\n%s\nplugin "s" { module = sample file = "%s" number = 5 }\n' "$OPEN" "$T/gate" | conf
kill -HUP "$RAGD_PID"
check "HUP reloads" wait_for logs "event=reloaded generation=2"
wait $!
check "what changed" logs "changed=plugin.s added=ragd,limits"
check "what needs a restart" logs "event=restart-needed options=threads"
is "it serves" "$(api /healthz)" '{"status":"ok"}'
has "the new generation" "$(api /v1/status)" '"generation":2'
check "the old one is closed" wait_for logs "event=generation-closed generation=1"

mark
printf '%s\nplugin "s" { module = sample file = "%s" number = 6 }\n' "$OPEN" "$T/gate" | conf
kill -HUP "$RAGD_PID"
opening() { ls -l "/proc/$RAGD_PID/task/"*/fd 2>/dev/null | grep -q gate || grep -q wait_for_partner "/proc/$RAGD_PID/task/"*/wchan; }
wait_for opening
mkfifo "$T/gate2"
printf '%s\nplugin "s" { module = sample file = "%s" number = 7 }\n' "$OPEN" "$T/gate2" | conf
kill -HUP "$RAGD_PID"
pass_gate "$T/gate"
check "HUP during a reload" wait_for logs "event=reloaded generation=3"
pass_gate "$T/gate2"
check "is one more reload" wait_for logs "event=reloaded generation=4 changed=plugin.s"

mark
printf 'ragd {\n threads = many\n}\n' | conf
kill -HUP "$RAGD_PID"
check "HUP with a bad file" wait_for logs "event=reload-failed generation=4"
check "says what is wrong" logs "ragd.conf:2: option 'threads': 'many' is not a whole number"
is "it still serves" "$(api /healthz)" '{"status":"ok"}'
has "the old generation" "$(api /v1/status)" '"generation":4'

mark
printf '%s\nplugin "s" { module = sample text = "does not open" }\n' "$OPEN" | conf
kill -HUP "$RAGD_PID"
check "HUP with a plugin that does not open" wait_for logs "event=reload-failed"
check "says so" logs "was told not to open"
has "all or nothing" "$(api /v1/status)" '"generation":4'

mark
rm "$T/ragd.conf"
kill -HUP "$RAGD_PID"
check "HUP without a file" wait_for logs "event=reload-failed"
stop_ragd

printf '%s\nragd { state_dir = "%s" socket = "%s" }\n' "$OPEN" "$T/one" "$SOCKET" | conf
background -c "$T/ragd.conf"
check "places from the file" wait_for healthy
mark
printf '%s\nragd { state_dir = "%s" socket = "%s" }\n' "$OPEN" "$T/two" "$SOCKET" | conf
kill -HUP "$RAGD_PID"
check "state_dir cannot change" wait_for logs "state_dir cannot change from"
stop_ragd

# ---- drain ----
printf 'ragd { drain_timeout = 60s }\n%s\n' "$OPEN" | conf
start_ragd -c "$T/ragd.conf" || exit 1
ask_waiting "$T/answer.fifo"
mark
kill -TERM "$RAGD_PID"
check "TERM drains" wait_for logs event=draining
check "nobody new is let in" test ! -e "$SOCKET"
check "an answer at work goes on" kill -0 "$ASK_PID"
pass_gate "$T/answer.fifo"
wait "$ASK_PID"
has "and is finished" "$(cat "$T/answer")" '"content":"Yes."'
stop_ragd 0
is "then it ends" "$RAGD_STATUS" 0
check "without cutting" eval '! logs event=drain-timeout'

printf 'ragd { drain_timeout = 50ms }\n%s\n' "$OPEN" | conf
start_ragd -c "$T/ragd.conf" || exit 1
ask_waiting "$T/never.fifo"
mark
stop_ragd
is "a drain has an end" "$RAGD_STATUS" 0
check "and says what it cut" logs "event=drain-timeout answers_cut=1"
wait "$ASK_PID"

printf 'ragd { drain_timeout = 60s }\n%s\n' "$OPEN" | conf
start_ragd -c "$T/ragd.conf" || exit 1
ask_waiting "$T/never2.fifo"
mark
kill -TERM "$RAGD_PID"
wait_for logs event=draining
stop_ragd
is "a second TERM ends at once" "$RAGD_STATUS" 1
check "and says so" logs event=stop-at-once
wait "$ASK_PID"

# ---- under a service manager ----
if command -v python3 >/dev/null; then
	while read -r verdict; do
		case $verdict in ok:*) pass "${verdict#ok: }" ;; *) fail "$verdict" ;; esac
	done < <(python3 "$RAGD_SRCDIR/tests/daemon/manager.py" "$RAGD_BUILDDIR/ragd" "$T" 2>&1)
else
	echo "python3 is missing: nothing plays the service manager"
fi
