#!/bin/bash
# Plugins that return what they may not: the daemon stays up, nothing of it is used, it is counted and named.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v python3 >/dev/null || skip "python3 is missing"
modules=$RAGD_BUILDDIR/tests/plugins/modules
[ -f "$modules/hostile_safety.so" ] || skip "the modules of tests/plugins are not built"

# A filter of each stage, once failing closed and once open; retrieval that lists in each way; cards.
stages="prompt document response"
lists="missing many no_name endless_name odd_name mode positive"
cards="no_name bytes endless number"
{
	echo 'plugin "echo" { module = "inference_echo" }'
	echo "plugin \"hostile\" { module = \"$modules/hostile_inference.so\" }"
	echo "plugin \"store\" { module = \"$modules/hostile_retrieval.so\" }"
	echo 'policy "none" { }'
	echo 'assistant "default" { inference = "echo" retrieval = "store" policy = "none" grounded = no }'
	echo 'assistant "writer" { inference = "hostile" policy = "none" grounded = no retrieval = "" }'
	echo "plugin \"asker\" { module = \"$modules/peer.so\" ask = \"hostile\" journal = \"$T/journal\" }"
	echo 'assistant "asker" { inference = "asker" policy = "none" grounded = no retrieval = "" }'
	for at in $stages; do
		store=store
		[ $at != prompt ] || store=
		for how in closed open; do
			echo "plugin \"$at-$how\" { module = \"$modules/hostile_safety.so\" at = \"$at\" on_failure = $how }"
			echo "policy \"$at-$how\" { filters = { \"$at-$how\" } refusal = \"No word of it.\" }"
			echo "assistant \"$at-$how\" { inference = \"echo\" policy = \"$at-$how\" grounded = no retrieval = \"$store\" }"
		done
	done
	for l in $lists; do
		echo "plugin \"lists-$l\" { module = \"$modules/hostile_retrieval.so\" lists = \"$l\" }"
		echo "assistant \"lists-$l\" { inference = \"echo\" policy = \"none\" grounded = no retrieval = \"lists-$l\" }"
	done
	for c in $cards; do
		echo "plugin \"card-$c\" { module = \"$modules/hostile_inference.so\" card = \"$c\" }"
		echo "assistant \"card-$c\" { inference = \"card-$c\" policy = \"none\" grounded = no retrieval = \"\" }"
	done
} >"$T/hostile.conf"
start_ragd -c "$T/hostile.conf" || exit 1
pid=$RAGD_PID

began=$SECONDS
for part in moderations prompts answers documents searches embeddings generations lists cards; do
	check "$part" python3 "$RAGD_SRCDIR/tests/flow/hostile.py" "$SOCKET" "$part"
	has "the daemon is up after: $part" "$(healthy)" ok
done
metrics=$(api /metrics)
seconds=$((SECONDS - began + 2))
for at in prompt response; do
	for how in open closed; do
		n=$(sed -n "s/^ragd_filter_failures_total{stage=\"$at\",on_failure=\"$how\"} //p" <<<"$metrics")
		check "filters of $at that fail $how are counted ($n)" [ "${n:-0}" -gt 0 ]
	done
	has "and not as if they had allowed it" "$metrics" "ragd_findings_total{stage=\"$at\",action=\"allow\"} 0"
done
is "it is the same process all along" "$RAGD_PID" "$pid"
log=$(cat "$T/ragd.log")
has "the log names the plugin and what it did" "$log" \
	'event=plugin-fault plugin=response-closed of_this_kind=1 error="response-closed: stream_feed returned 5, which is neither 0 nor a negative errno"'
has "retrieval is named too" "$log" 'plugin=store of_this_kind=1 error="store: search returned a hit'
has "inference as well" "$log" 'plugin=hostile of_this_kind=1 error="hostile: generate returned a piece of answer that is not UTF-8"'
has "a filter that fails is named, with stage, reason and count" "$log" \
	'event=filter-failed plugin=prompt-open stage=prompt on_failure=open count=1 error="it does not work today"'
for filter in prompt-closed document-open response-closed; do
	check "$filter, too" grep -q "event=filter-failed plugin=$filter " "$T/ragd.log"
done
n_failed_open=$(grep -c 'event=filter-failed plugin=prompt-open' "$T/ragd.log")
check "at most a line a second ($n_failed_open in $seconds s)" [ "$n_failed_open" -le "$seconds" ]
hasnt "no text of anybody is in it" "$log" swordfish
check "a fault that goes on is not logged each time" [ "$(grep -c 'event=plugin-fault plugin=response-closed' "$T/ragd.log")" -lt 30 ]
stop_ragd
is "it ends in good order" "$RAGD_STATUS" 0
