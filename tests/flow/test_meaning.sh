#!/bin/bash
# Search by meaning with the encoder that ships: found by words at once, by meaning soon, whatever is killed or broken.
. "$(dirname "$0")/lib.sh"
need_plugin inference_gguf
encoder=$RAGD_SRCDIR/data/encoders/all-MiniLM-L6-v2-Q8_0.gguf
[ -e "$encoder" ] || skip "this build has no encoder"
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
"$RAGD_BUILDDIR/ragd" --print-defaults | sed 's/module = "retrieval_hybrid"/&\n\tembedder = "encoder"/' >"$ragd_conf"
start_ragd -c "$ragd_conf" || exit 1
out=$(rag add --wait "$T/docs")
has "rag add --wait" "$out" "added 3"
is "every passage has its vector" "$(retrieval waiting)/$(retrieval vectors)" "0/3"
is "who made them" "$(retrieval embedder)" encoder
is "no word in common: a car" "$(first "Where did I leave my car?")" parking.txt
is "no word in common: lunch" "$(first "When can I have lunch?")" canteen.txt
has "doctor says so" "$(rag doctor)" "by meaning with 'encoder'"

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

# A configuration without the encoder: words, and a word about it.
stop_ragd
sed -i 's/embedder = "encoder"/embedder = "nobody"/' "$ragd_conf"
exits "an embedder that is no plugin's name is refused" 1 "$RAGD_BUILDDIR/ragd" -t -c "$ragd_conf" --data-dir "$RAGD_SRCDIR/data"
has "with the name" "$OUT" "nobody"
