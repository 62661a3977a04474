"""hostile.py SOCKET PART: ask the hostile plugins of test_hostile.sh for each of their misbehaviours, and hold
what comes back against what must hold: nothing of the bad result leaves, and the fault is counted."""
import http.client, json, re, socket, sys, time, urllib.parse

SECRET, COVERED, REFUSAL = "swordfish", "*********", "No word of it."
wrong = []


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


def ask(method, path, body=None, timeout=200):
    c = Connection("ragd", timeout=timeout)
    if not isinstance(body, (str, bytes, type(None))):
        body = json.dumps(body)
    c.request(method, path, body)
    r = c.getresponse()
    data = r.read()
    c.close()
    return r, data.decode()  # what leaves is UTF-8


def faults(plugin):
    m = re.search(r'ragd_plugin_faults_total\{plugin="%s"\} (\d+)' % plugin, ask("GET", "/metrics")[1])
    return int(m.group(1)) if m else 0


def expect(what, holds, got):
    if not holds:
        wrong.append(what)
        print("NOT OK: %s: %s" % (what, got))


def faults_reach(plugin, n):
    """The faults once there are n: what a plugin does after the end may come after the reply."""
    for _ in range(6000):
        if faults(plugin) >= n:
            break
        time.sleep(0.02)
    return faults(plugin)


def counted(plugin, what, act, n=1):
    """act(), which is to be a fault of the plugin; n = 0: it is none."""
    before = faults(plugin)
    result = act()
    got = faults_reach(plugin, before + n) - before
    expect(what + ": counted", got >= 1 if n else got == 0, got)
    return result


def chat(model, text):
    r, data = ask("POST", "/v1/chat/completions",
                  {"model": model, "messages": [{"role": "user", "content": text}]})
    return r.status, json.loads(data)


def stream(model, text):
    r, data = ask("POST", "/v1/chat/completions",
                  {"model": model, "stream": True, "messages": [{"role": "user", "content": text}]})
    return data


# The first of each is no fault but an honest error: it fails the same, and is not counted.
BOTH = ["honest_error", "endless_error", "bytes_error", "positive", "huge_errno", "action", "action_negative",
        "text_missing", "text_long", "text_bytes", "findings_missing", "findings_many", "finding_action",
        "finding_negative", "category_missing", "category_endless", "category_control", "category_bytes",
        "rule_endless", "score_nan", "score_large", "span_reversed", "span_outside", "message_bytes",
        "message_missing"]
CHECK = BOTH + ["text_forgotten", "note_bytes"]
FEED = BOTH + ["text_cut", "cites_unsorted", "cite_outside", "cite_passage", "cite_reversed", "cite_beyond",
               "cite_nan", "cites_missing", "cites_many"]


def is_fault(mode):
    return 0 if mode.endswith("_error") else 1


def moderations():
    for at in ("prompt", "document"):
        r, data = ask("POST", "/v1/moderations", {"model": at + "-closed", "input": SECRET, "stage": at})
        expect("honest " + at, COVERED in data and SECRET not in data.replace('"swordfish"', ""), data)
        for mode in CHECK:
            text = "filter=%s %s" % (mode, SECRET)
            for how in ("closed", "open"):
                what = "%s at the %s stage, %s" % (mode, at, how)
                name = "%s-%s" % (at, how)
                r, data = counted(name, what, lambda: ask(
                    "POST", "/v1/moderations", {"model": name, "input": text, "stage": at}),
                    is_fault(mode))
                v = json.loads(data)["results"][0]
                expect(what, v["ragd"]["action"] == ("block" if how == "closed" else "allow"), data)
                expect(what + ": named", "filter_failure" in v["categories"], data)


def one(stage, modes):
    for mode in modes:
        text = "filter=%s %s" % (mode, SECRET)
        for how in ("closed", "open"):
            what = "%s at the %s, %s" % (mode, stage, how)
            name = "%s-%s" % (stage, how)
            status, reply = counted(name, what, lambda: chat(name, text), is_fault(mode))
            expect(what + ": answered", status == 200, reply)
            choice = reply["choices"][0]
            if how == "open":
                expect(what + ": without the filter", SECRET in choice["message"]["content"], reply)
                continue
            expect(what + ": refused", choice["finish_reason"] == "content_filter", reply)
            expect(what + ": nothing else left", choice["message"]["content"] == REFUSAL, reply)
            expect(what + ": by a failure", reply["ragd"]["blocked_by"]["category"] == "filter_failure", reply)
            data = stream(name, text)
            expect(what + ": streamed", SECRET not in data and REFUSAL in data, data)


def prompts():
    status, reply = chat("prompt-closed", SECRET)
    expect("honest", reply["choices"][0]["message"]["content"] == COVERED, reply)
    one("prompt", CHECK)


def answers():
    status, reply = chat("response-closed", SECRET)
    text = reply["choices"][0]["message"]["content"]
    expect("honest", COVERED in text and SECRET not in text, reply)
    one("response", FEED + ["open_positive"])


def refused(plugin, what, act, code="plugin_fault"):
    r, data = counted(plugin, what, act, 1 if code == "plugin_fault" else 0)
    expect(what + ": an error", r.status in (502, 500, 422) and '"code":"%s"' % code in data, (r.status, data))
    expect(what + ": nothing else", "threads" not in data and r.getheader("X-Forged") is None, data)


def documents():
    base = "/v1/collections/default/documents"
    named = lambda mode: base + "/" + urllib.parse.quote("store=" + mode)
    expect("honest get", ask("GET", base + "/pool.txt")[0].status == 200, "")
    expect("honest put", ask("PUT", base + "/pool.txt", "x")[0].status == 201, "")
    for mode in ("positive", "left_out", "status", "status_negative", "failed_well"):
        refused("store", "put " + mode, lambda: ask("PUT", named(mode), "x"))
        refused("store", "bulk put " + mode, lambda: ask(
            "POST", base, "\n".join('{"id":"store=%s %d","text":"x"}' % (mode, i) for i in range(3))))
    refused("store", "put failed_endless", lambda: ask("PUT", named("failed_endless"), "x"), "unprocessable")
    refused("store", "remove", lambda: ask("DELETE", named("positive")))
    refused("store", "collection put", lambda: ask("PUT", "/v1/collections/positive", "{}"))
    refused("store", "collection remove", lambda: ask("DELETE", "/v1/collections/positive"))
    info = ["positive", "id_missing", "id_endless", "id_control", "title_missing", "title_endless", "title_bytes",
            "type_header", "digest"]
    for mode in info + ["content_missing", "content_long"]:
        refused("store", "get " + mode, lambda: ask("GET", named(mode)))
        refused("store", "content " + mode, lambda: ask("GET", named(mode) + "/content"))
    for mode in info + ["list_missing", "list_many"]:
        refused("store", "list " + mode, lambda: ask("GET", base + "?after=store%3D" + mode))
    r, data = counted("store", "stats", lambda: ask("GET", "/v1/status"))
    expect("stats", json.loads(data)["retrieval"][0]["documents"] == 0, data)


def searches():
    modes = ["positive", "hits_missing", "hits_many", "collection_missing", "collection_odd", "collection_other",
             "document_missing", "document_endless", "title_bytes", "heading_missing", "text_bytes", "text_long",
             "score_nan", "lexical", "vector_nan", "span_reversed", "span_other", "runs_descending",
             "runs_outside", "runs_elsewhere", "runs_missing"]
    search = lambda text: ask("POST", "/v1/search", {"query": text, "collections": ["default"]})
    expect("honest", "4 threads" in search("pool")[1], "")
    for mode in modes:
        refused("store", "search " + mode, lambda: search("store=" + mode))
        if mode == "collection_other":
            continue  # the assistant names none: any may be found
        refused("store", "chat " + mode, lambda: ask(
            "POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "store=" + mode}]}))


def embeddings():
    embed = lambda text: ask("POST", "/v1/embeddings", {"model": "writer", "input": [text, "x"]})
    expect("honest", embed("y")[0].status == 200, "")
    for mode in ("positive", "nan", "infinite", "vectors_missing", "dim_none", "dim_huge"):
        refused("hostile", "embed " + mode, lambda: embed("model=" + mode))


def generate(model):
    """Asked directly, or by another plugin."""
    say = lambda mode: {"model": model, "messages": [{"role": "user", "content": "model=" + mode}]}
    expect("honest", chat(model, "x")[1]["choices"][0]["message"]["content"] == "Four threads.", "")
    expect("bare", chat(model, "model=done_bare")[0] == 200, "")
    for mode in ("text_bytes", "text_cut", "text_missing", "positive", "huge_errno", "finish", "finish_negative",
                 "usage", "done_positive", "done_and_positive"):
        what = "%s, %s" % (mode, model)
        fails = (mode, model) != ("done_and_positive", "asker")  # who has its answer by then
        if fails:
            refused("hostile", what, lambda: ask("POST", "/v1/chat/completions", say(mode)))
        data = counted("hostile", "streamed " + what, lambda: stream(model, "model=" + mode))
        expect("streamed " + what, ('"code":"plugin_fault"' in data) == fails, data)
    for mode in ("done_mute", "done_endless"):
        status, reply = counted("hostile", mode, lambda: chat(model, "model=" + mode), 0)
        expect(mode, status == 500 and len(reply["error"]["message"]) < 300, reply)
    # What comes after the end is not there.
    for mode in ("done_twice", "text_late"):
        status, reply = counted("hostile", mode, lambda: chat(model, "model=" + mode))
        expect(mode, reply["choices"][0]["message"]["content"] == "Four threads.", reply)
    # From eight threads at once, before and after the answer is over, which they wait to be told; one done() of theirs
    # is the first.
    for mode, status, n in ("done_at_once", 200, 7), ("done_later", 200, 16), ("error_later", 500, 16):
        before = faults("hostile")
        got = chat(model, "model=" + mode)
        expect(mode, got[0] == status, got)
        expect(mode, status != 200 or got[1]["choices"][0]["message"]["content"] == "Four threads.", got)
        chat("writer", "model=late_now")
        n_faults = faults_reach("hostile", before + n) - before
        expect(mode + ": each is counted", n_faults == n, n_faults)


def generations():
    generate("writer")
    generate("asker")
    expect("the asker is not blamed", faults("asker") == 0, "")


def lists():
    for how in ("missing", "many", "no_name", "endless_name", "odd_name", "mode", "positive"):
        name = "lists-" + how
        refused(name, name, lambda: ask("POST", "/v1/chat/completions", {
            "model": name, "collections": ["default"],
            "messages": [{"role": "user", "content": "hello"}]}))


def cards():
    before = {c: faults("card-" + c) for c in ("no_name", "bytes", "endless", "number")}
    card = json.loads(ask("GET", "/v1/system-card")[1])
    for c, n in before.items():
        model = [a["model"] for a in card["assistants"] if a["name"] == "card-" + c][0]
        expect("card " + c, model["name"] == "unknown" and model["summary"] is None, model)
        expect("card %s: counted" % c, faults("card-" + c) > n, "")


globals()[sys.argv[2]]()
print("%s: %d wrong" % (sys.argv[2], len(wrong)))
sys.exit(1 if wrong else 0)
