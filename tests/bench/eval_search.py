#!/usr/bin/env python3
"""eval_search.py BUILD FOLDER [OPTION…]: how well and how fast a ragd of its own finds what FOLDER asks for.

FOLDER holds corpus.jsonl, queries.jsonl and qrels.tsv (BEIR's form), which are scored by document; or docs/ and
qa.jsonl, {"question","answerable","gold":[{"doc","start","end"}]}, which is scored by passage.

  --vectors KIND   encoder (the default: the one that ships), a GGUF file of another one, learned, or none: words alone
  --config FILE    a configuration of your own instead
  --queries FILE   ask these instead of FOLDER's, such as those of another language
  --depth N        hits that are asked for (default: 100)
  --out FILE       write what was found as a TREC run
"""
import argparse, glob, http.client, json, math, os, re, socket, subprocess, sys, tempfile, time

SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHIPPED = "ragd:encoders/all-MiniLM-L6-v2-Q8_0.gguf"
LEARN_MIN = 200  # passages: with fewer, no vectors are learned
CONFIG = """
plugin "hybrid" { module = "retrieval_hybrid" %s }
plugin "extract" { module = "inference_extract" }
plugin "basic" { module = "safety_basic" }
policy "basic" { filters = { "basic" } }
collection "default" { }
assistant "default" { inference = "extract" retrieval = "hybrid" policy = "basic" grounded = no }
"""


def configuration(vectors):
    if vectors == "none":
        return CONFIG % "weight_vector = 0"
    if vectors == "learned":
        return CONFIG % 'embedder = ""'
    model = SHIPPED if vectors == "encoder" else os.path.abspath(vectors)
    return CONFIG % 'embedder = "encoder"' + f'plugin "encoder" {{ module = "inference_gguf" model = "{model}" }}\n'


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Ragd(http.client.HTTPConnection):
    """A daemon of the build with its state in a folder, and one connection to it."""

    def __init__(self, build, home, config):
        super().__init__("ragd", timeout=600)
        self.build, self.path = build, home + "/ragd.sock"
        modules = glob.glob(build + "/plugins/*/.libs")
        self.env = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home, XDG_RUNTIME_DIR=home,
                        RAGD_SOCKET=self.path, RAGD_PLUGIN_PATH=":".join(modules))
        self.log = open(home + "/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [build + "/ragd", "--user", "--socket", self.path, "--state-dir", home + "/state", "--data-dir",
             SOURCES + "/data", "-c", config], env=self.env, stdout=self.log, stderr=self.log)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None):
        self.request(method, path, json.dumps(body) if body is not None else None)
        reply = self.getresponse()
        text = reply.read()
        if reply.status != 200:
            sys.exit(f"{method} {path}: {reply.status} {text.decode()}")
        return json.loads(text)

    def wait_until_ready(self):
        while self.process.poll() is None:
            try:
                self.request("GET", "/healthz")
                reply = self.getresponse()
                reply.read()
                if reply.status == 200:
                    return
            except OSError:
                self.close()
            time.sleep(0.02)
        self.log.seek(0)
        sys.exit("ragd did not start:\n" + self.log.read())

    def add(self, *what):
        """Seconds until all of it is found, by meaning, too."""
        began = time.monotonic()
        if subprocess.run([self.build + "/rag", "add", "-q", "--wait", *what], env=self.env).returncode != 0:
            sys.exit("rag add failed")
        while True:
            status = self.ask("GET", "/v1/status")["retrieval"][0]
            if status.get("trouble"):
                sys.exit("no search by meaning: " + status["trouble"])
            if "embedder" in status or status["passages"] < LEARN_MIN or status["vectors"] == status["passages"]:
                return status, time.monotonic() - began
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Corpus:
    """BEIR's form: what is relevant is whole documents."""

    per_document = True

    def __init__(self, folder, queries):
        self.what = ["--type", "text/plain", "--jsonl", folder + "/corpus.jsonl"]
        self.relevant = {}
        with open(folder + "/qrels.tsv", encoding="utf-8") as f:
            for query, document, grade in (line.split() for line in list(f)[1:]):
                if float(grade) > 0:
                    self.relevant.setdefault(query, {})[document] = float(grade)
        asked = lines(queries or folder + "/queries.jsonl")
        self.questions = [(q["id"], q["text"]) for q in asked if q["id"] in self.relevant]

    @staticmethod
    def name(hit):
        return hit["document"]

    def score(self, question, hits, depth):
        relevant = self.relevant[question]
        grades = [relevant.get(hit["document"], 0) for hit in hits]
        ideal = sorted(relevant.values(), reverse=True)
        return {"nDCG@10": gain(grades[:10]) / gain(ideal[:10]),
                f"recall@{depth}": sum(g > 0 for g in grades) / len(relevant),
                "MRR@10": reciprocal_rank(grades[:10])}


class Questions:
    """docs/ and qa.jsonl: what is relevant is passages."""

    per_document = False

    def __init__(self, folder, queries):
        self.what = [folder + "/docs"]
        asked = [q for q in lines(queries or folder + "/qa.jsonl") if q["answerable"]]
        self.gold = {q["id"]: [gold_range(folder, g) for g in q["gold"]] for q in asked}
        self.questions = [(q["id"], q["question"]) for q in asked]

    @staticmethod
    def name(hit):
        return f'{hit["document"]}:{hit["start"]}-{hit["end"]}'

    def score(self, question, hits, depth):
        gold = self.gold[question]
        found = [any(hit["document"] == doc and hit["start"] < end and start < hit["end"] for doc, start, end in gold)
                 for hit in hits]
        figures = {f"passage in the first {n}": float(any(found[:n])) for n in (1, 3, 8)}
        figures["document first"] = float(any(hit["document"] == doc for hit in hits[:1] for doc, _, _ in gold))
        figures[f"MRR@{depth}"] = reciprocal_rank(found)
        return figures


def gold_range(folder, gold):
    """Bytes of the document; of its text, where only that is given."""
    if "start" in gold:
        return gold["doc"], gold["start"], gold["end"]
    words = rb"\s+".join(re.escape(word) for word in gold["text"].encode().split())
    with open(f'{folder}/docs/{gold["doc"]}', "rb") as f:
        place = re.search(words, f.read())
    if place is None:
        sys.exit(f'{gold["doc"]} has no "{gold["text"]}"')
    return gold["doc"], *place.span()


def gain(grades):
    return sum(grade / math.log2(rank + 2) for rank, grade in enumerate(grades))


def reciprocal_rank(found):
    return next((1 / (rank + 1) for rank, one in enumerate(found) if one), 0)


def search(ragd, folder, depth, out):
    """The mean of each figure, and how long each search took."""
    sums, times = {}, []
    for question, text in folder.questions:
        began = time.perf_counter()
        reply = ragd.ask("POST", "/v1/search", {"query": text, "k": depth, "per_document": folder.per_document})
        times.append(time.perf_counter() - began)
        for figure, value in folder.score(question, reply["data"], depth).items():
            sums[figure] = sums.get(figure, 0) + value
        for rank, hit in enumerate(reply["data"]):  # the order counts, whatever the scores say
            out.write(f"{question} Q0 {folder.name(hit)} {rank + 1} {depth - rank} ragd\n")
    return {figure: value / len(times) for figure, value in sums.items()}, sorted(times)


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("build")
    parser.add_argument("folder")
    parser.add_argument("--vectors", default="encoder")
    parser.add_argument("--config")
    parser.add_argument("--queries")
    parser.add_argument("--depth", type=int, default=100)
    parser.add_argument("--out", default=os.devnull)
    args = parser.parse_args()
    kind = Corpus if os.path.exists(args.folder + "/corpus.jsonl") else Questions
    folder = kind(args.folder, args.queries)
    with tempfile.TemporaryDirectory(prefix="ragd-eval-") as home, open(args.out, "w", encoding="utf-8") as out:
        config = home + "/ragd.conf"
        with open(config, "w", encoding="utf-8") as f:
            f.write(open(args.config, encoding="utf-8").read() if args.config else configuration(args.vectors))
        ragd = Ragd(os.path.abspath(args.build), home, config)
        try:
            ragd.wait_until_ready()
            status, seconds = ragd.add(*folder.what)
            figures, times = search(ragd, folder, args.depth, out)
        finally:
            ragd.stop()
    print(f'{status["passages"]} passages, {status["vectors"]} vectors, ready after {seconds:.1f} s')
    print(f"{len(times)} questions")
    for figure, value in figures.items():
        print(f"{figure:24} {value:.4f}")
    print("search, p50 and p95      %.2f ms, %.2f ms" % tuple(1e3 * times[len(times) * p // 100] for p in (50, 95)))


if __name__ == "__main__":
    main()
