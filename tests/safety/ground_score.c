/*
 * Scores the grounding check on labelled pairs of claim and evidence.
 *
 *     ground_score labelled|expertqa|climate|rgb|qed FILE [CORPUS]
 *
 * prints what becomes of the claims of each label, AUROC of the support score, then precision and
 * recall of "supported" at several thresholds. SHOW=1 prints each pair with its score.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "safety/grounding/ground.h"
#include "tests/safety/claim_english.h"

#define PAIRS_MAX 20000

struct pair {
	float score;
	bool gold;
	enum ground_verdict verdict;
};

static struct stop_check stop; /* that nobody stops */

static struct claim_lexicon *lexicon;
static struct pair pairs[PAIRS_MAX];
static size_t n_pairs;
static bool show;

static const char *str(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static struct ragd_str str_of(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

/* Citation marks away, as the stream does before it checks. */
static void strip(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		size_t n = s[0] == '[' ? strspn(s + 1, "0123456789, ") : 0;

		if (n > 0 && s[n + 1] == ']')
			s += n + 1;
		else
			*to++ = *s;
	}
	*to = '\0';
}

static void count_verdict(const char *question, const char *claim, const char *title,
			  const char *const *evidence, size_t n, bool gold)
{
	struct ragd_passage passages[64];
	struct ragd_screen screen = { .size = sizeof(screen), .stage = RAGD_STAGE_RESPONSE };
	struct ground_support support;
	enum ground_verdict verdict;
	struct ground *g;
	char *text = strdup(claim);

	n = MIN(n, 64);
	for (size_t i = 0; i < n; i++)
		passages[i] = (struct ragd_passage){ .title = str_of(title),
						     .text = str_of(evidence[i]) };
	screen.question = str_of(question);
	screen.passages = passages;
	screen.n_passages = n;
	if (text == NULL || n_pairs == PAIRS_MAX ||
	    ground_new(&screen, lexicon, &stop, &g, NULL) < 0)
		exit(1);
	strip(text);
	if (ground_check(g, text, strlen(text), 0, GROUND_THRESHOLD, &stop, &verdict, &support) < 0)
		exit(1);
	if (show)
		printf("%d %.2f %d %s\n     %.*s\n", gold, (double)support.score, verdict, text,
		       (int)(support.end - support.start),
		       evidence[support.passage] + support.start);
	pairs[n_pairs++] = (struct pair){ support.score, gold, verdict };
	ground_free(g);
	free(text);
}

static void expertqa(json_t *o)
{
	json_t *ev = json_object_get(o, "evidence");
	const char *list[64];
	size_t n = 0;
	const char *support = str(o, "support");

	for (size_t i = 0; i < json_array_size(ev) && n < 64; i++)
		list[n++] = json_string_value(json_array_get(ev, i));
	if (strcmp(support, "Complete") == 0 || strcmp(support, "Incomplete") == 0)
		count_verdict(str(o, "question"), str(o, "claim"), "", list, n, support[0] == 'C');
}

static void labelled(json_t *o)
{
	json_t *ev = json_object_get(o, "evidence");
	const char *list[64];
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(ev) && n < 64; i++)
		list[n++] = json_string_value(json_array_get(ev, i));
	count_verdict(str(o, "question"), str(o, "claim"), str(o, "title"), list, n,
		      strcmp(str(o, "label"), "supported") == 0);
}

static void climate(json_t *o)
{
	json_t *ev = json_object_get(o, "evidence");

	for (size_t i = 0; i < json_array_size(ev); i++) {
		json_t *e = json_array_get(ev, i);
		const char *text = str(e, "text");
		char *title = strdup(str(e, "id"));

		if (title == NULL)
			exit(1);
		title[strcspn(title, ":")] = '\0';
		count_verdict("", str(o, "claim"), title, &text, 1,
			      strcmp(str(e, "label"), "SUPPORTS") == 0);
		free(title);
	}
}

/* The evidence sentence with its own passage, and with the next question's. */
static void qed(const char *answers, const char *corpus)
{
	json_t *docs = json_object(), *o, *all = json_array();
	char *line = NULL;
	size_t cap = 0;
	FILE *f = fopen(corpus, "re");

	while (f != NULL && getline(&line, &cap, f) > 0) {
		o = json_loads(line, 0, NULL);
		json_object_set_new(docs, str(o, "id"), o);
	}
	if (f == NULL || (f = freopen(answers, "re", f)) == NULL)
		exit(1);
	while (getline(&line, &cap, f) > 0)
		json_array_append_new(all, json_loads(line, 0, NULL));
	fclose(f);
	free(line);
	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *a = json_array_get(all, i);

		for (size_t k = 0; k < 2; k++) {
			json_t *b = json_array_get(all, (i + k) % json_array_size(all));
			json_t *doc = json_object_get(docs, str(b, "doc"));
			const char *text = str(doc, "text");

			if (str(a, "evidence_sentence")[0] == '\0')
				continue;
			if (k == 0 || strcmp(str(a, "doc"), str(b, "doc")) != 0)
				count_verdict("", str(a, "evidence_sentence"), str(doc, "title"),
					      &text, 1, k == 0);
		}
	}
	json_decref(docs);
	json_decref(all);
}

/* A passage as the claim, with itself and with a copy whose answer was exchanged for another. */
static void rgb(json_t *o)
{
	json_t *right = json_object_get(o, "positive"),
	       *wrong = json_object_get(o, "positive_wrong");

	for (size_t i = 0; i < json_array_size(right) && i < json_array_size(wrong); i++) {
		const char *a = json_string_value(json_array_get(right, i));
		const char *b = json_string_value(json_array_get(wrong, i));

		if (strcmp(a, b) == 0)
			continue;
		count_verdict(str(o, "query"), a, "", &a, 1, true);
		count_verdict(str(o, "query"), a, "", &b, 1, false);
	}
}

static int by_score(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->score > y->score) - (x->score < y->score);
}

static void report_verdicts(bool gold)
{
	size_t n[GROUND_DISCLAIMER + 1] = { 0 };

	for (size_t i = 0; i < n_pairs; i++)
		n[pairs[i].verdict] += pairs[i].gold == gold;
	printf("%s: cited %zu, dropped %zu, no claim %zu, disclaimer %zu\n",
	       gold ? "supported" : "unsupported", n[GROUND_SUPPORTED], n[GROUND_UNSUPPORTED],
	       n[GROUND_NO_CLAIM], n[GROUND_DISCLAIMER]);
}

static void report(void)
{
	size_t n_gold = 0, i = 0;
	double ranks = 0;

	report_verdicts(true);
	report_verdicts(false);
	qsort(pairs, n_pairs, sizeof(pairs[0]), by_score);
	while (i < n_pairs) { /* ties share their mean rank */
		size_t k = i;

		while (k < n_pairs && pairs[k].score == pairs[i].score)
			k++;
		for (size_t j = i; j < k; j++)
			if (pairs[j].gold) {
				ranks += (double)(i + k + 1) / 2;
				n_gold++;
			}
		i = k;
	}
	printf("pairs %zu, supported %zu, AUROC %.3f\n", n_pairs, n_gold,
	       (ranks - (double)n_gold * (double)(n_gold + 1) / 2) /
		       ((double)n_gold * (double)(n_pairs - n_gold)));
	for (double t = 0.3; t < 0.95; t += 0.1) {
		size_t said = 0, right = 0;

		for (i = 0; i < n_pairs; i++) {
			said += pairs[i].score >= t;
			right += pairs[i].score >= t && pairs[i].gold;
		}
		printf("threshold %.1f: precision %.3f recall %.3f, of the unsupported let through "
		       "%.3f\n",
		       t, said > 0 ? (double)right / (double)said : 1,
		       (double)right / (double)n_gold,
		       (double)(said - right) / (double)(n_pairs - n_gold));
	}
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t cap = 0;
	int64_t t = clock_us();
	FILE *f;

	show = getenv("SHOW") != NULL;
	if (argc < 3)
		return 2;
	lexicon = claim_english_open();
	if (lexicon == NULL)
		return 1;
	if (strcmp(argv[1], "qed") == 0 && argc > 3) {
		qed(argv[2], argv[3]);
	} else {
		f = fopen(argv[2], "re");
		while (f != NULL && getline(&line, &cap, f) > 0) {
			json_t *o = json_loads(line, 0, NULL);

			if (strcmp(argv[1], "climate") == 0)
				climate(o);
			else if (strcmp(argv[1], "rgb") == 0)
				rgb(o);
			else if (strcmp(argv[1], "labelled") == 0)
				labelled(o);
			else
				expertqa(o);
			json_decref(o);
		}
		if (f == NULL)
			return 1;
		fclose(f);
		free(line);
	}
	fprintf(stderr, "%.1f us a pair\n", (double)(clock_us() - t) / (double)n_pairs);
	report();
	claim_lexicon_close(lexicon);
	return 0;
}
