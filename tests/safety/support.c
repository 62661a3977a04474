#include "tests/safety/support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/stream/filter_stream.h"
#include "tests/test.h"

struct ragd_screen test_evidence = { .size = sizeof(test_evidence), .stage = RAGD_STAGE_RESPONSE };

static void *alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	return arena_alloc(container_of(call, struct test_call, call)->arena, n, size);
}

void test_call_init(struct test_call *c)
{
	*c = (struct test_call){ .call = { .size = sizeof(c->call), .alloc = alloc_cb } };
	c->arena = arena_new(64 << 20);
	assert_non_null(c->arena);
}

void test_call_fini(struct test_call *c)
{
	arena_free(c->arena);
}

char *test_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	assert_true(asprintf(&dir, "%s/ragd-safety-XXXXXX", tmp != NULL ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	return dir;
}

void test_file(const char *dir, const char *name, const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void test_dir_remove(char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
	free(dir);
}

struct filter *test_filter_cfg(struct filter_config *cfg, const char *rules)
{
	struct ragd_err err = { 0 };
	struct filter *f = NULL;
	char *dir = test_dir();

	if (rules != NULL) {
		test_file(dir, "test.rules", rules);
		cfg->rules = dir;
	}
	if (filter_open(cfg, &f, &err) < 0)
		fail_msg("%s", err.msg);
	test_dir_remove(dir);
	return f;
}

struct filter *test_filter(const char *rules)
{
	struct filter_config cfg = { .level = LEVEL_STRICT, .undo = true };

	for (size_t i = 0; i < FILTER_N_STAGES; i++)
		cfg.stage[i] = (struct filter_stage){ .pii = PII_ALL, .secrets = RAGD_REDACT };
	return test_filter_cfg(&cfg, rules);
}

struct filter *test_packs(const struct filter_config *cfg)
{
	const char *src = getenv("RAGD_SRCDIR");
	struct filter_config packs = *cfg;
	struct filter *f = NULL;
	struct ragd_err err = { 0 };
	char rules[4096];

	snprintf(rules, sizeof(rules), "%s/data/rules", src != NULL ? src : ".");
	filter_defaults(packs.level, packs.stage);
	packs.rules = rules;
	if (filter_open(&packs, &f, &err) < 0)
		print_error("%s\n", err.msg);
	return f;
}

static void take(struct streamed *out, const struct ragd_release *r)
{
	size_t used = strlen(out->findings);

	buf_add(&out->text, r->text.s, r->text.len);
	out->action = MAX(out->action, r->action);
	out->n_findings += r->n_findings;
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct ragd_finding *f = &r->findings[i];

		used += (size_t)snprintf(out->findings + used,
					 used < sizeof(out->findings) ? sizeof(out->findings) - used
								      : 0,
					 "%s@%zu-%zu ", f->category, f->start, f->end);
		used = MIN(used, sizeof(out->findings) - 1);
	}
}

void test_stream(const struct filter *f, enum ragd_stage stage, struct ragd_str text,
		 const size_t *cuts, size_t n_cuts, struct streamed *out)
{
	struct filter_stream *s = filter_stream_open(f, stage);
	struct test_call c;
	size_t from = 0;

	test_call_init(&c);
	assert_non_null(s);
	assert_int_equal(filter_stream_evidence(s, &test_evidence), 0);
	*out = (struct streamed){ 0 };
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cuts[i] : text.len;
		struct ragd_release r = { 0 };
		struct ragd_err err = { 0 };
		char *piece = malloc(to - from + 1); /* so that reading past its end is seen */

		assert_non_null(piece);
		if (to > from)
			memcpy(piece, text.s + from, to - from);
		arena_reset(c.arena);
		assert_int_equal(
			filter_stream_feed(s, &c.call, piece, to - from, i == n_cuts, &r, &err), 0);
		take(out, &r);
		out->most_held = MAX(out->most_held, filter_stream_held(s));
		free(piece);
		from = to;
	}
	assert_int_equal(filter_stream_held(s), 0);
	filter_stream_close(s);
	test_call_fini(&c);
}

void test_stream_bytes(const struct filter *f, enum ragd_stage stage, struct ragd_str text,
		       struct streamed *out)
{
	size_t *cuts = calloc(text.len + 1, sizeof(*cuts));

	assert_non_null(cuts);
	for (size_t i = 0; i < text.len; i++)
		cuts[i] = i + 1;
	test_stream(f, stage, text, cuts, text.len, out);
	free(cuts);
}

static void same(const struct streamed *a, const struct streamed *b, size_t cut)
{
	if (a->text.len != b->text.len ||
	    (a->text.len > 0 && memcmp(a->text.data, b->text.data, a->text.len) != 0) ||
	    a->action != b->action || strcmp(a->findings, b->findings) != 0)
		fail_msg("cut at %zu: '%.*s' (%s) is not '%.*s' (%s)", cut, (int)b->text.len,
			 b->text.data != NULL ? b->text.data : "", b->findings, (int)a->text.len,
			 a->text.data != NULL ? a->text.data : "", a->findings);
}

void test_every_cut(const struct filter *f, enum ragd_stage stage, struct ragd_str text)
{
	struct streamed whole, pieces;

	test_stream(f, stage, text, NULL, 0, &whole);
	for (size_t cut = 0; cut <= text.len; cut++) {
		test_stream(f, stage, text, &cut, 1, &pieces);
		same(&whole, &pieces, cut);
		buf_fini(&pieces.text);
	}
	test_stream_bytes(f, stage, text, &pieces);
	same(&whole, &pieces, text.len + 1);
	assert_true(pieces.most_held <= filter_stream_holdback(f));
	buf_fini(&pieces.text);
	buf_fini(&whole.text);
}

void test_runs_held(const struct filter *f, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;
		struct streamed got;

		while (b.len < 20000)
			buf_adds(&b, texts[i]);
		test_stream_bytes(f, RAGD_STAGE_RESPONSE, buf_str(&b), &got);
		print_message("'%s' over and over: at most %zu held\n", texts[i], got.most_held);
		assert_true(got.most_held <= filter_stream_holdback(f));
		buf_fini(&got.text);
		buf_fini(&b);
	}
}
