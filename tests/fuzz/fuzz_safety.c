/*
 * The filter on any text, cut anywhere: what a stream lets out in pieces must be what it lets out
 * in one, must hold no more than is published, and a check of a response must agree with it. The
 * first byte seeds the cuts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/stream/filter.h"
#include "safety/stream/filter_stream.h"
#include "tests/fuzz/fuzz.h"

static const char rules[] =
	"category t Test\n\tmarker [x]\n"
	"term how how (to|do i)\nterm act break[ing]|open\n"
	"rule t.a block prompt\n\tfind how ~3 act ~4 \"locks|doors\"\n\tunless \"my own\"\n"
	"rule t.b redact document response\n\tfind \"secret word|the word is\"\n"
	"\tfind /code [0-9]{2,9}\\b/\n"
	"rule t.c block response\n\tfind \"stop here now\"\n";

/* What answers rest on: some links of theirs may leave. */
static const struct ragd_passage passage = {
	.text = RAGD_STR(
		"See [a](http://a.test/b) and <em>c</em>, www.d.test or mailto:e@f.test.")
};
static const struct ragd_screen evidence = { .size = sizeof(evidence),
					     .stage = RAGD_STAGE_RESPONSE,
					     .passages = &passage,
					     .n_passages = 1 };

static struct filter *filter;
static struct arena *arena;

static void *alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	(void)call;
	return arena_alloc(arena, n, size);
}

static const struct ragd_call call = { .size = sizeof(call), .alloc = alloc_cb };

static void set_up(void)
{
	struct filter_config cfg = { .level = LEVEL_STRICT, .undo = true, .links = true };
	struct ragd_err err = { 0 };
	char dir[] = "/tmp/fuzz-safety-XXXXXX", path[64];
	FILE *f;

	for (size_t i = 0; i < FILTER_N_STAGES; i++)
		cfg.stage[i] = (struct filter_stage){ .pii = PII_ALL, .secrets = RAGD_REDACT };
	arena = arena_new(64 << 20);
	if (arena == NULL || mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/r.rules", dir);
	f = fopen(path, "we");
	if (f == NULL || fputs(rules, f) < 0 || fclose(f) != 0)
		abort();
	cfg.rules = path;
	if (filter_open(&cfg, &filter, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	remove(path);
	remove(dir);
}

/* All that the stream lets out, cut by a generator with this seed; seed 0: in one piece. */
static void stream_all(const char *text, size_t len, uint32_t seed, struct buf *out,
		       size_t *findings)
{
	struct filter_stream *s = filter_stream_open(filter, RAGD_STAGE_RESPONSE);
	size_t from = 0;
	bool last;

	if (s == NULL || filter_stream_evidence(s, &evidence) < 0)
		abort();
	*findings = 0;
	do {
		struct ragd_release r;
		size_t n = len - from;

		if (seed != 0) {
			seed = seed * 1664525u + 1013904223u;
			n = MIN(n, (seed >> 24) % (seed >> 20 & 1 ? 4 : 40));
		}
		last = from + n == len && (seed == 0 || n > 0 || len == 0 || seed >> 30 == 0);
		arena_reset(arena);
		if (filter_stream_feed(s, &call, text + from, n, last, &r, NULL) < 0)
			abort();
		if (r.text.len > 0)
			buf_add(out, r.text.s, r.text.len);
		*findings += r.n_findings;
		if (filter_stream_held(s) > filter_stream_holdback(filter))
			abort();
		from += n;
	} while (!last);
	if (filter_stream_held(s) != 0)
		abort();
	filter_stream_close(s);
}

static void check_all(const char *text, size_t len, const struct buf *streamed)
{
	for (int stage = RAGD_STAGE_PROMPT; stage <= RAGD_STAGE_RESPONSE; stage++) {
		struct ragd_screen screen = evidence;
		struct ragd_verdict v;

		screen.stage = (enum ragd_stage)stage;
		screen.text = (struct ragd_str){ text, len };
		arena_reset(arena);
		if (filter_check(filter, &call, &screen, &v, NULL) < 0)
			abort();
		for (size_t i = 0; i < v.n_findings; i++)
			if (v.findings[i].start > v.findings[i].end || v.findings[i].end > len)
				abort();
		if (stage == RAGD_STAGE_RESPONSE && v.action == RAGD_REDACT &&
		    (v.text.len != streamed->len ||
		     memcmp(v.text.s, streamed->data, streamed->len) != 0))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	size_t n_whole, n_pieces;
	char *text;

	if (filter == NULL)
		set_up();
	if (size == 0)
		return 0;
	text = malloc(size);
	if (text == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	stream_all(text, size - 1, 0, &whole, &n_whole);
	stream_all(text, size - 1, data[0] * 2654435761u + 1, &pieces, &n_pieces);
	if (whole.len != pieces.len || n_whole != n_pieces ||
	    (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	check_all(text, size - 1, &whole);
	buf_fini(&whole);
	buf_fini(&pieces);
	free(text);
	return 0;
}
