#!/bin/bash
# Two users of one daemon: nothing tells the second what the first has, nor what only administrators may see.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
command -v python3 >/dev/null || skip "python3 is missing"
command -v setpriv >/dev/null || skip "setpriv is missing"
need_plugin inference_upstream
[ "$(id -u)" = 0 ] || skip "only root can be two users"

mkdir "$T/folder" && echo "the plums of the folder" >"$T/folder/plum.txt" && chmod 700 "$T/folder"
echo "sk-hush" >"$T/key" && chmod 600 "$T/key"
cat >"$T/ragd.conf" <<CONF
ragd { mode = 0666 }
plugin "extract" { module = "inference_extract" }
plugin "echo" { module = "inference_echo" prefix = "hush-prefix" }
plugin "far" {
	module = "inference_upstream"
	endpoints = { "http://hush-host.invalid:1" }
	model = "hush-model"
	embed_model = "hush-embedder"
	api_key_file = "$T/key"
	proxy = "http://hush-proxy.invalid:3128"
	health = "none"
}
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "folder" { module = "folder" path = "$T/folder" collection = "hush-fruit" }
plugin "basic" { module = "safety_basic" }
plugin "words" { module = "blocklist" words = { "hushheron" } }
plugin "grounding" { module = "safety_grounding" }
collection "hush-fruit" { }
policy "balanced" { filters = { "basic", "words", "grounding" } }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "balanced" grounded = yes collections = { } }
assistant "folder" { inference = "extract" retrieval = "folder" policy = "balanced" grounded = yes collections = { } }
assistant "echo" { inference = "echo" retrieval = "" policy = "balanced" grounded = no }
CONF
start_ragd -c "$T/ragd.conf" || exit 1
chmod 711 "$T"

# The same as another user: without a group of root's, not an administrator.
ben_api() {
	local path=$1
	shift
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		curl -s --max-time "$HANG_S" --unix-socket "$SOCKET" "http://ragd$path" "$@"
}
status() { tail -n 1 <<<"$1"; }

python3 - >"$T/lines" <<'PY'
import json, random
random.seed(1)
words = [a + b + c for a in ("ba", "ko", "ri", "tu") for b in ("me", "sa", "lo", "pi") for c in ("du", "ve", "go", "fi", "ze", "mu")]
for i in range(240):
    text = " ".join(random.choices(words, k=20)) + (" zanzibar" if i % 3 == 0 else " bread")
    print(json.dumps({"id": f"{i}.txt", "text": text, "tags": ["x"]}))
PY
reply=$(api /v1/collections/private/documents --data-binary "@$T/lines" -H 'Content-Type: application/x-ndjson')
has "the first user has documents" "$reply" '"added":240'
learned() { api /v1/status | grep -q '"vectors":240'; }
check "that an embedder was learned from" wait_for learned

# ---- what runs ------------------------------------------------------------------------------------

is "the second connects" "$(ben_api /healthz -o /dev/null -w '%{http_code}')" 200
is "metrics are not for everyone" "$(ben_api /metrics -o /dev/null -w '%{http_code}')" 403
reply=$(ben_api /v1/status)
has "the status counts what may be read" "$reply" '"collections":0,"documents":0,"passages":0,"vectors":0,"dim":0'
for name in configuration answers connections requests bytes; do
	hasnt "it has no $name" "$reply" "\"$name\""
	has "an administrator's has" "$(api /v1/status)" "\"$name\""
done
for path in /v1/plugins /v1/system-card /v1/models /v1/status; do
	hasnt "$path tells no secret" "$(ben_api "$path")" hush
	hasnt "$path tells no path" "$(ben_api "$path")" "$T"
done
has "an administrator sees all" "$(api /v1/plugins)" hush-proxy
ben_api /v1/plugins >"$T/his"
api /v1/plugins >"$T/all"
check "of each plugin he sees some options, of none a file's, a list's or what is empty for him alone" \
	python3 - "$T/his" "$T/all" <<'PY'
import json, sys
his, all_ = ({p["name"]: p for p in json.load(open(f))["data"]} for f in sys.argv[1:])
assert his.keys() == all_.keys() and len(his) == 8, his.keys()
shown = hidden = 0
for name, plugin in his.items():
    options, whole = plugin["options"], all_[name]["options"]
    assert all(whole[o] == v for o, v in options.items()), name
    shown += len(options)
    hidden += len(whole) - len(options)
assert shown > 20 and hidden > 10, (shown, hidden)
for name, options in {"far": "endpoints weights model embed_model api_key_file tls_ca tls_verify proxy",
                      "words": "words", "folder": "path collection", "basic": "rules", "echo": "prefix"}.items():
    for o in options.split():
        assert o in all_[name]["options"] and o not in his[name]["options"], (name, o)
PY

# ---- collections ----------------------------------------------------------------------------------

# same NAME PATH [CURL ARGUMENT…]: PATH, in which COLL stands for a collection, answers as if there were none.
same() {
	local name=$1 path=$2 foreign none
	shift 2
	foreign=$(ben_api "${path//COLL/private}" "$@" -w '\n%{http_code}')
	none=$(ben_api "${path//COLL/nowhere}" "$@" -w '\n%{http_code}')
	is "$name" "${foreign//private/NAME}" "${none//nowhere/NAME}"
	is "$name: not found" "$(status "$foreign")" 404
}
same "a foreign collection is as none" /v1/collections/COLL
same "its list" "/v1/collections/COLL/documents"
same "a document that is there" "/v1/collections/COLL/documents/0.txt"
same "one that is not" "/v1/collections/COLL/documents/none.txt"
same "its content" "/v1/collections/COLL/documents/0.txt/content"
same "removing one" "/v1/collections/COLL/documents/0.txt" -X DELETE
same "removing all" "/v1/collections/COLL" -X DELETE
put=$(ben_api /v1/collections/private/documents/0.txt -T - -w '\n%{http_code}' <<<"text")
is "a foreign name is refused to who would add to it" "$(status "$put")" 403
is "in the same words whatever is there" "$put" \
	"$(ben_api /v1/collections/private/documents/none.txt -T - -w '\n%{http_code}' <<<"text")"
has "saying that it is taken" "$put" "is taken"
hasnt "and not by whom" "$put" root
has "and to who would make it" "$(ben_api /v1/collections/private -X PUT -d '{}')" "is taken"
has "the first still has all" "$(api /v1/collections/private)" '"documents":240'

# ---- texts ----------------------------------------------------------------------------------------

search() { ben_api /v1/search -d "{\"query\":\"$1\"}"; }
is "a word of others' is found no more than one of nobody's" "$(search zanzibar)" "$(search no-such-word)"
embed() { ben_api /v1/embeddings -d "{\"model\":\"default\",\"input\":\"$1\"}" -w '\n%{http_code}'; }
is "an embedder of others' is none" "$(status "$(embed zanzibar)")" 409
has "the first has one" "$(api /v1/embeddings -d '{"model":"default","input":"zanzibar"}')" '"embedding":['
sed 's/zanzibar/quixotic/' "$T/lines" >"$T/his-lines"
chmod 644 "$T/his-lines"
has "the second adds his own" "$(ben_api /v1/collections/his/documents --data-binary "@$T/his-lines" \
	-H 'Content-Type: application/x-ndjson')" '"added":240'
ben_learned() { ben_api /v1/status | grep -q '"vectors":240'; }
check "and has an embedder of his own" wait_for ben_learned
has "it knows his own word" "$(embed quixotic)" '"embedding":['
theirs=$(embed zanzibar)
is "and the first's no more than one of nobody's" "$theirs" "$(embed no-such-word)"
is "which has no vector" "$(status "$theirs")" 400
stop_ragd
is "the daemon ended well" "$RAGD_STATUS" 0
