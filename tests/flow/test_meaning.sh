#!/bin/bash
# Search by meaning with the encoder that ships: found by words at once, by meaning soon, whatever is killed or broken.
. "$(dirname "$0")/lib.sh"
need_plugin inference_gguf
grep -q '^#define WITH_ENCODER 1' "$RAGD_BUILDDIR/config.h" || skip "this build has no encoder"
WAIT_S=300 # a sanitizer takes its time with a model

retrieval() { rag status --json | python3 -c "import json, sys; print(json.load(sys.stdin)['retrieval'][0].get('$1', ''))"; }
first() { rag search --json -k 3 "$1" | python3 -c 'import json, sys
print(json.load(sys.stdin)["data"][0]["document"])'; }

mkdir "$T/docs"
echo "The vehicle is parked behind the building, next to the bicycles." >"$T/docs/parking.txt"
echo "Our canteen serves soup and bread from noon until two." >"$T/docs/canteen.txt"
echo "A new kitten needs warmth, milk and sleep." >"$T/docs/pets.txt"
# The built-in configuration, whose search is by meaning, too.
ragd_conf=$T/ragd.conf
"$RAGD_BUILDDIR/ragd" --print-defaults >"$ragd_conf"
start_ragd -c "$ragd_conf" || exit 1
out=$(rag add --wait "$T/docs")
has "rag add --wait" "$out" "added 3"
is "every passage has its vector" "$(retrieval waiting)/$(retrieval vectors)" "0/3"
is "who made them" "$(retrieval embedder)" encoder
is "no word in common: a car" "$(first "Where did I leave my car?")" parking.txt
is "no word in common: lunch" "$(first "When can I have lunch?")" canteen.txt
exits "nothing is about that" 3 rag search xylophone-quartz
has "doctor says so" "$(rag doctor)" "by meaning with 'encoder'"

metric() { api /metrics | awk -v name="ragd_plugin_$1{plugin=\"hybrid\"}" '$1 == name { print int($2) }'; }
told() { [ "$(metric passages_embedded_total)/$(metric vectors)/$(metric passages_waiting)" = 3/3/0 ]; }
check "and so do the metrics" wait_for told
is "none of it failed" "$(metric embed_failures_total)/$(metric passages_waiting_seconds)" 0/0

# Documents enough to be killed over, while their vectors are made.
cp -r "$RAGD_SRCDIR/docs" "$T/more"
rag add -q "$T/more" >/dev/null
passages=$(retrieval passages)
vectors=0
lost=0
more() { now=$(retrieval vectors) && [ -n "$now" ] && [ "$now" -gt "$vectors" ]; }
for _ in 1 2 3; do
	wait_for more || break
	vectors=$now
	stop_ragd KILL
	start_ragd -c "$ragd_conf" || exit 1
	[ "$(retrieval vectors)" -ge "$vectors" ] || lost=$((lost + 1))
done
is "killed three times: no vector is lost" "$lost" 0
check "and the work goes on" rag add -q --wait "$T/docs"
is "to the end, none twice" "$(retrieval vectors)/$(retrieval waiting)" "$passages/0"
is "it is still found" "$(first "Is the vehicle parked?")" parking.txt

# All vectors again, by hand: the old ones serve until the new ones are there, over a kill, too.
out=$(rag reindex)
has "rag reindex" "$out" "default gets new vectors"
has "and says which ones are used" "$out" "searches use the old ones"
is "it is still found" "$(first "Is the vehicle parked?")" parking.txt
is "by the vectors that were there" "$(retrieval vectors)" "$passages"
waiting=$(retrieval waiting)
check "while passages wait" [ "$waiting" -gt 0 ]
fewer() { now=$(retrieval waiting) && [ -n "$now" ] && [ "$now" -lt "$waiting" ]; }
wait_for fewer
stop_ragd KILL
start_ragd -c "$ragd_conf" || exit 1
waiting=$(retrieval waiting)
check "killed: what is new is kept" [ "$waiting" -le "$now" ]
is "and the old ones serve" "$(retrieval vectors)" "$passages"
check "to the end" rag reindex --wait
is "the new vectors are complete" "$(retrieval vectors)/$(retrieval waiting)" "$passages/0"
has "the log says so" "$(cat "$T/ragd.log")" "vectors are those of 'encoder' now"
exits "a collection that does not exist" 1 rag reindex nothing
has "is told so" "$OUT" "no collection 'nothing'"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	rag collection --mode 0666 default >/dev/null
	chmod 711 "$T"
	chmod 666 "$SOCKET"
	is "another user may not" "$(setpriv --reuid 65534 --regid 65534 --clear-groups curl -s -o /dev/null -w '%{http_code}' \
		--unix-socket "$SOCKET" -X POST http://ragd/v1/collections/default/reindex)" 403
	is "and may not read the metrics" "$(setpriv --reuid 65534 --regid 65534 --clear-groups curl -s -o /dev/null \
		-w '%{http_code}' --unix-socket "$SOCKET" http://ragd/metrics)" 403
fi

# An English encoder, and texts that are not English.
hasnt "doctor: English texts fit" "$(rag doctor)" "hardly knows"
stop_ragd
rm -rf "$T/data" "$T/docs"
mkdir "$T/docs"
start_ragd -c "$ragd_conf" || exit 1
echo "Die Bürgermeisterin eröffnete gestern die neue Brücke über den Fluss. Fußgänger und Radfahrer dürfen sie ab sofort
benutzen, während Lastkraftwagen weiterhin die Umleitung durch das Gewerbegebiet nehmen müssen." >"$T/docs/german.txt"
check "German" rag add -q --wait "$T/docs"
has "doctor: German doesn't fit" "$(rag doctor)" "1 of 1 passages are in a language that 'encoder' hardly knows"
rag rm german.txt >/dev/null
rm "$T/docs/german.txt"
echo "นายกเทศมนตรีเปิดสะพานใหม่ข้ามแม่น้ำเมื่อวานนี้ คนเดินเท้าและนักปั่นจักรยานสามารถใช้ได้ทันที ส่วนรถบรรทุกยังต้องใช้ทางเบี่ยง" >"$T/docs/thai.txt"
check "Thai" rag add -q --wait "$T/docs"
check "vectors again" rag reindex --wait
has "doctor: Thai doesn't fit" "$(rag doctor)" "multilingual-e5-small"
rag rm thai.txt >/dev/null
rm "$T/docs/thai.txt"
echo "The mayor opened the new bridge over the river yesterday. Pedestrians and cyclists may use it at once, while lorries
still have to take the detour through the industrial estate." >"$T/docs/english.txt"
check "English" rag add -q --wait "$T/docs"
check "vectors again" rag reindex --wait
hasnt "doctor: English fits" "$(rag doctor)" "hardly knows"

# Without an encoder there is nothing to ask.
stop_ragd
sed -i '/embedder = "encoder"/d' "$ragd_conf"
start_ragd -c "$ragd_conf" || exit 1
exits "without an encoder it is refused" 1 rag reindex
has "with a reason" "$OUT" "no embedder is configured"

# A configuration without the encoder: words, and a word about it.
stop_ragd
sed -i 's/module = "retrieval_hybrid"/&\n\tembedder = "nobody"/' "$ragd_conf"
exits "an embedder that is no plugin's name is refused" 1 "$RAGD_BUILDDIR/ragd" -t -c "$ragd_conf" --data-dir "$RAGD_SRCDIR/data"
has "with the name" "$OUT" "nobody"
