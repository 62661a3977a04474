"""docs_qa.py QA ANSWERS: of the answerable questions, how many are answered with a citation into a gold
document, how many contain what a right answer must; of the others, how many are left unanswered."""
import json, sys

qa = {q["id"]: q for q in map(json.loads, open(sys.argv[1]))}
answers = {a["id"]: a for a in map(json.loads, open(sys.argv[2]))}
cited = must = n = unanswered = others = 0
for i, q in qa.items():
    a = answers[i]
    if not q["answerable"]:
        others += 1
        unanswered += a["abstained"]
        continue
    n += 1
    gold = {g["doc"] for g in q["gold"]}
    got = {c["document"] for c in a["citations"]}
    cited += bool(gold & got)
    right = all(any(x.lower() in a["answer"].lower() for x in m.split("|")) for m in q["must"])
    must += right
    if not gold & got or not right:
        print("# %s: %s | cites %s, gold %s | %s" % (i, q["question"], sorted(got), sorted(gold), a["answer"][:200]))
print("cites the gold document: %d of %d (%.0f %%)" % (cited, n, 100 * cited / n))
print("has what a right answer must have: %d of %d" % (must, n))
print("unanswerable left unanswered: %d of %d" % (unanswered, others))
sys.exit(cited < 0.8 * n)
