/*
 * Scores the filter on labelled JSON lines. docs/safety.md has the figures and says how to get
 * them.
 *
 *     safety_score prompts FILE [SOURCE]   per source: how many are blocked, steered, redacted
 *     safety_score show FILE SOURCE [LABEL] per prompt of a source: action, rule, id safety_score
 *     documents FILE          planted instructions: found, span covered, false alarms safety_score
 *     pii FILE                per type of personal data: precision and recall of spans safety_score
 *     secrets FILE            secrets found, false alarms safety_score false FILE
 *     finds of any kind in plain text: what a reader would miss
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/stream/filter.h"

#define N_ROWS 200

struct row {
	char name[64];
	size_t n;
	size_t by_action[RAGD_BLOCK + 1];
};

static struct row rows[N_ROWS];
static size_t n_rows;
static struct filter *filter;
static struct arena *arena;

static void *alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	(void)call;
	return arena_alloc(arena, n, size);
}

static const struct ragd_call call = { .size = sizeof(call), .alloc = alloc_cb };

static struct row *row_of(const char *source, const char *label)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", source, label);
	for (size_t i = 0; i < n_rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	if (n_rows == N_ROWS)
		exit(1);
	strcpy(rows[n_rows].name, name);
	return &rows[n_rows++];
}

static const char *str(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static struct ragd_verdict check(enum ragd_stage stage, const char *text)
{
	struct ragd_screen screen = { .size = sizeof(screen),
				      .stage = stage,
				      .text = { text, strlen(text) } };
	struct ragd_verdict v = { 0 };
	struct ragd_err err = { 0 };

	arena_reset(arena);
	if (filter_check(filter, &call, &screen, &v, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	return v;
}

/* Bytes of s[0..] that the first n characters take: the data counts characters. */
static size_t bytes_of(const char *s, size_t n)
{
	size_t i = 0;

	for (; n > 0 && s[i] != '\0'; n--)
		for (i++; (s[i] & 0xc0) == 0x80; i++)
			;
	return i;
}

static void score_prompt(json_t *o, const char *show, const char *label)
{
	struct ragd_verdict v;
	struct row *row = row_of(str(o, "source"), str(o, "label"));

	if (show != NULL && (strcmp(show, str(o, "source")) != 0 ||
			     (label != NULL && strcmp(label, str(o, "label")) != 0)))
		return;
	v = check(RAGD_STAGE_PROMPT, str(o, "text"));
	row->n++;
	row->by_action[v.action]++;
	if (show == NULL)
		return;
	printf("%d %s %s", v.action, str(o, "id"), str(o, "category"));
	for (size_t i = 0; i < v.n_findings; i++)
		printf(" %s",
		       v.findings[i].rule != NULL ? v.findings[i].rule : v.findings[i].category);
	printf("\n");
}

static void print_rows(void)
{
	printf("%-44s %6s %8s %8s %8s\n", "source/label", "n", "block %", "steer %", "redact %");
	for (size_t i = 0; i < n_rows; i++) {
		double n = rows[i].n / 100.0;

		if (rows[i].n > 0)
			printf("%-44s %6zu %8.2f %8.2f %8.2f\n", rows[i].name, rows[i].n,
			       rows[i].by_action[RAGD_BLOCK] / n, rows[i].by_action[RAGD_STEER] / n,
			       rows[i].by_action[RAGD_REDACT] / n);
	}
}

static struct {
	size_t injected, found, clean, alarms, carriers, carried;
	double covered, lost;
} docs;

static void score_document(json_t *o)
{
	const char *text = str(o, "text"), *label = str(o, "label");
	struct ragd_verdict v = check(RAGD_STAGE_DOCUMENT, text);
	json_t *span = json_object_get(o, "span");
	bool hit = false;
	size_t a, b, cover = 0, lost = 0;

	if (strcmp(label, "injected") != 0) {
		docs.clean += strcmp(label, "clean") == 0;
		docs.alarms += strcmp(label, "clean") == 0 && v.n_findings > 0;
		docs.carriers += strcmp(label, "carrier") == 0;
		docs.carried += strcmp(label, "carrier") == 0 && v.n_findings > 0;
		return;
	}
	a = bytes_of(text, (size_t)json_integer_value(json_array_get(span, 0)));
	b = bytes_of(text, (size_t)json_integer_value(json_array_get(span, 1)));
	for (size_t i = 0; i < v.n_findings; i++) {
		size_t lo = MAX(a, v.findings[i].start), hi = MIN(b, v.findings[i].end);

		if (strcmp(v.findings[i].category, "injection") != 0)
			continue;
		hit = hit || lo < hi;
		cover += lo < hi ? hi - lo : 0;
		lost += v.findings[i].end - v.findings[i].start - (lo < hi ? hi - lo : 0);
	}
	docs.injected++;
	docs.found += hit;
	docs.covered += b > a ? (double)cover / (double)(b - a) : 0;
	docs.lost += (double)lost;
}

static void print_docs(void)
{
	printf("injected %zu: found %zu (%.1f %%), of each found span %.1f %% covered\n",
	       docs.injected, docs.found, 100.0 * docs.found / docs.injected,
	       docs.found > 0 ? 100.0 * docs.covered / docs.found : 0);
	printf("clean %zu: alarms %zu; poisoned carriers %zu: found %zu\n", docs.clean, docs.alarms,
	       docs.carriers, docs.carried);
}

static const struct {
	const char *theirs;
	const char *ours[2];
} types[] = {
	{ "EMAIL_ADDRESS", { "pii.email", "pii.role" } },
	{ "PHONE_NUMBER", { "pii.phone", NULL } },
	{ "CREDIT_CARD", { "pii.card", NULL } },
	{ "IBAN_CODE", { "pii.iban", NULL } },
	{ "US_SSN", { "pii.ssn", NULL } },
	{ "IP_ADDRESS", { "pii.ip", NULL } },
};

static struct {
	size_t gold, found, exact, said, right;
} pii[ARRAY_LEN(types)];

static bool is_type(const struct ragd_finding *f, size_t t)
{
	return strcmp(f->category, types[t].ours[0]) == 0 ||
	       (types[t].ours[1] != NULL && strcmp(f->category, types[t].ours[1]) == 0);
}

static void score_pii(json_t *o, bool show)
{
	const char *text = str(o, "text");
	struct ragd_verdict v = check(RAGD_STAGE_RESPONSE, text);
	json_t *spans = json_object_get(o, "spans");

	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		for (size_t i = 0; i < v.n_findings; i++)
			pii[t].said += is_type(&v.findings[i], t);
		for (size_t k = 0; k < json_array_size(spans); k++) {
			json_t *s = json_array_get(spans, k);
			size_t a = bytes_of(text, (size_t)json_integer_value(json_array_get(s, 0)));
			size_t b = bytes_of(text, (size_t)json_integer_value(json_array_get(s, 1)));
			bool found = false, exact = false;

			if (strcmp(json_string_value(json_array_get(s, 2)), types[t].theirs) != 0)
				continue;
			for (size_t i = 0; i < v.n_findings; i++) {
				const struct ragd_finding *f = &v.findings[i];

				if (f->start >= b || f->end <= a || !is_type(f, t))
					continue;
				found = found || (f->start <= a && f->end >= b);
				exact = exact || (f->start == a && f->end == b);
				pii[t].right++;
			}
			pii[t].gold++;
			pii[t].found += found;
			pii[t].exact += exact;
			if (!found && show)
				printf("missed %s: %.*s\n", types[t].theirs, (int)(b - a),
				       text + a);
		}
	}
	for (size_t i = 0; show && i < v.n_findings; i++) {
		const struct ragd_finding *f = &v.findings[i];
		bool ok = false;

		for (size_t k = 0; k < json_array_size(spans); k++) {
			json_t *s = json_array_get(spans, k);
			size_t a = bytes_of(text, (size_t)json_integer_value(json_array_get(s, 0)));
			size_t b = bytes_of(text, (size_t)json_integer_value(json_array_get(s, 1)));

			ok = ok || (f->start < b && f->end > a);
		}
		if (!ok)
			printf("false %s: %.*s\n", f->category, (int)(f->end - f->start),
			       text + f->start);
	}
}

static void print_pii(void)
{
	printf("%-16s %5s %8s %8s %9s\n", "type", "gold", "recall", "exact", "precision");
	for (size_t t = 0; t < ARRAY_LEN(types); t++)
		printf("%-16s %5zu %8.3f %8.3f %9.3f\n", types[t].theirs, pii[t].gold,
		       (double)pii[t].found / pii[t].gold, (double)pii[t].exact / pii[t].gold,
		       pii[t].said > 0 ? (double)pii[t].right / pii[t].said : 1.0);
}

static void score_secret(json_t *o, bool show)
{
	struct ragd_verdict v = check(RAGD_STAGE_RESPONSE, str(o, "text"));
	struct row *row = row_of(str(o, "source"), str(o, "label"));
	size_t n = 0;

	for (size_t i = 0; i < v.n_findings; i++)
		n += strncmp(v.findings[i].category, "secret.", 7) == 0;
	row->n++;
	row->by_action[n > 0 ? RAGD_REDACT : RAGD_ALLOW]++;
	if (show && (n > 0) != (strcmp(str(o, "label"), "secret") == 0))
		printf("%s %s %s: %s\n", n > 0 ? "false" : "missed", str(o, "id"),
		       str(o, "category"), str(o, "text"));
}

static void score_false(const char *text)
{
	struct ragd_verdict v = check(RAGD_STAGE_RESPONSE, text);

	for (size_t i = 0; i < v.n_findings; i++) {
		const struct ragd_finding *f = &v.findings[i];
		size_t a = f->start > 30 ? f->start - 30 : 0;

		printf("%s: %.*s [[%.*s]]\n", f->category, (int)(f->start - a), text + a,
		       (int)(f->end - f->start), text + f->start);
	}
}

static void open_filter(void)
{
	struct filter_config cfg = { .level = LEVEL_BALANCED, .undo = true };
	const char *rules = getenv("RAGD_RULES"), *cache = getenv("RAGD_CACHE");
	struct ragd_err err = { 0 };
	int64_t t = clock_us();

	filter_defaults(cfg.level, cfg.stage);
	cfg.stage[RAGD_STAGE_RESPONSE].pii = PII_ALL;
	cfg.rules = rules != NULL ? rules : "data/rules";
	cfg.cache_dir = cache;
	arena = arena_new(64 << 20);
	if (filter_open(&cfg, &filter, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	fprintf(stderr, "%zu rules, opened in %.1f ms\n", filter_n_rules(filter),
		(double)(clock_us() - t) / 1e3);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	char *line = NULL;
	size_t cap = 0;
	int64_t t;
	ssize_t n;
	FILE *f = argc > 2 ? fopen(argv[2], "re") : NULL;
	size_t total = 0;
	bool show = getenv("SHOW") != NULL;

	if (f == NULL) {
		fprintf(stderr,
			"usage: safety_score prompts|show|documents|pii|secrets|false FILE ...\n");
		return 2;
	}
	open_filter();
	t = clock_us();
	while ((n = getline(&line, &cap, f)) > 0) {
		json_t *o;

		if (strcmp(what, "false") == 0) {
			score_false(line);
			continue;
		}
		o = json_loads(line, 0, NULL);
		if (o == NULL)
			continue;
		total += strlen(str(o, "text"));
		if (strcmp(what, "prompts") == 0)
			score_prompt(o, NULL, NULL);
		else if (strcmp(what, "show") == 0)
			score_prompt(o, argc > 3 ? argv[3] : "", argc > 4 ? argv[4] : NULL);
		else if (strcmp(what, "documents") == 0)
			score_document(o);
		else if (strcmp(what, "pii") == 0)
			score_pii(o, show);
		else if (strcmp(what, "secrets") == 0)
			score_secret(o, show);
		json_decref(o);
	}
	fprintf(stderr, "%.1f ms, %.1f MB of text\n", (double)(clock_us() - t) / 1e3,
		(double)total / 1e6);
	if (strcmp(what, "documents") == 0)
		print_docs();
	else if (strcmp(what, "pii") == 0)
		print_pii();
	else if (strcmp(what, "false") != 0)
		print_rows();
	free(line);
	fclose(f);
	filter_close(filter);
	arena_free(arena);
	return 0;
}
