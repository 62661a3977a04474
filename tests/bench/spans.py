#!/usr/bin/env python3
"""spans.py COLLECTION ANSWERS…: how well `rag ask --batch` answers a collection of questions with known answers.

COLLECTION is a folder with corpus.jsonl and answers.jsonl ({"id","doc","answers","start"?,"evidence_sentence"?}),
the corpus added with `rag add --jsonl`; ANSWERS are what `rag ask --batch` wrote for its queries.jsonl. Prints how
many were answered, how often a cited sentence holds the answer (the evidence sentence, where there is one), and how
often the first one does. Answers to other questions (not in answers.jsonl) count as questions without an answer.
"""
import json
import sys


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


folder = sys.argv[1]
text = {d["id"]: d["text"] for d in lines(folder + "/corpus.jsonl")}
gold = {}
for a in lines(folder + "/answers.jsonl"):
    t = text[a["doc"]]
    part = a.get("evidence_sentence", a["answers"][0])
    at = a["start"] if "start" in a else t.find(part) if part else -1
    if at >= 0:  # byte offsets, as citations have them
        gold[a["id"]] = (a["doc"], len(t[:at].encode()), len(t[: at + len(part)].encode()))
    else:
        gold[a["id"]] = None

for path in sys.argv[2:]:
    n = answered = first = any_ = others = abstained = sentences = 0
    for a in lines(path):
        if a["id"] not in gold:
            others += 1
            abstained += a["abstained"]
            continue
        g = gold[a["id"]]
        if g is None:
            continue
        n += 1
        answered += not a["abstained"]
        hits = [c["document"] == g[0] and c["start"] < g[2] and c["end"] > g[1] for c in a["citations"]]
        sentences += len(hits)
        first += hits[:1] == [True]
        any_ += any(hits)
    if n:
        print("%s: %d questions, answered %.1f %%, first sentence right %.1f %%, one of them %.1f %% (%.1f each)"
              % (path, n, 100 * answered / n, 100 * first / n, 100 * any_ / n, sentences / max(answered, 1)))
    if others:
        print("%s: %d without an answer, left unanswered %.1f %%" % (path, others, 100 * abstained / others))
