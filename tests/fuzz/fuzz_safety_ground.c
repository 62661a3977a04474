/*
 * The grounding check on any answer over any passages (the parts of the input between NUL bytes;
 * the last is the answer), cut anywhere: the same text and citations come out as in one piece.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/grounding/ground_stream.h"
#include "tests/fuzz/fuzz.h"

#define PASSAGES_MAX 4

static struct arena *arena;
static struct claim_lexicon *lexicon;

/* Some words of each kind: a fuzzer needs no folder that they are read from. */
static const char words[] = "[negations]\nnot no never nothing\n[negation-endings]\nn't\n"
			    "[opposites]\nmore | less\n[numbers]\n2 two\n4 four\n"
			    "[asking]\ndocument documents answer here\n"
			    "[holding]\nsay know answer\n[speakers]\ni we\n[sources]\ndocuments\n"
			    "[inside]\nin\n[states]\nsay mention\n[knowing]\nknow\n[stated]\n"
			    "mentioned\n[answers]\nanswer\n[nothing]\nno nothing\n[there]\nthere\n"
			    "[about]\nabout\n[but]\nbut\n[and]\nand\n[auxiliaries]\nis do\n";

static void *alloc_cb(const struct ragd_call *call, size_t n, size_t size)
{
	(void)call;
	return arena_alloc(arena, n, size);
}

static const struct ragd_call call = { .size = sizeof(call), .alloc = alloc_cb };

static void run(const struct ragd_screen *screen, struct ragd_str in, uint32_t seed,
		struct buf *out)
{
	struct ground_stream *gs = NULL;
	size_t from = 0;
	bool last;

	if (ground_stream_open(NULL, screen, lexicon, 0.6f, &gs, NULL) < 0)
		abort();
	do {
		struct ragd_release r;
		size_t n = in.len - from, at = 0;

		if (seed != 0) {
			seed = seed * 1664525u + 1013904223u;
			n = MIN(n, 1 + (seed >> 24) % 30);
		}
		last = from + n == in.len;
		arena_reset(arena);
		if (ground_stream_feed(gs, &call, in.s + from, n, last, &r, NULL) < 0)
			abort();
		for (size_t i = 0; i < r.n_cites; i++) {
			const struct ragd_cite *c = &r.cites[i];

			if (c->at < at || c->at > r.text.len || c->passage >= screen->n_passages ||
			    c->start > c->end || c->end > screen->passages[c->passage].text.len)
				abort();
			buf_add(out, r.text.s + at, c->at - at);
			buf_printf(out, "{%u:%u-%u}", c->passage, c->start, c->end);
			at = c->at;
		}
		if (r.text.len > at)
			buf_add(out, r.text.s + at, r.text.len - at);
		from += n;
	} while (!last);
	ground_stream_close(gs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ragd_passage passages[PASSAGES_MAX];
	struct ragd_screen screen = { .size = sizeof(screen),
				      .stage = RAGD_STAGE_RESPONSE,
				      .passages = passages };
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	const char *p = (const char *)data;
	size_t left = size;

	if (arena == NULL)
		arena = arena_new(64 << 20);
	if (lexicon == NULL &&
	    claim_lexicon_parse("words", words, sizeof(words) - 1, "english", &lexicon, NULL) < 0)
		abort();
	if (size == 0 || arena == NULL)
		return 0;
	screen.grounded = data[0] & 1;
	for (const char *nul;
	     screen.n_passages < PASSAGES_MAX && (nul = memchr(p, 0, left)) != NULL;) {
		passages[screen.n_passages++] =
			(struct ragd_passage){ .text = { p, (size_t)(nul - p) } };
		left -= (size_t)(nul - p) + 1;
		p = nul + 1;
	}
	if (utf8_invalid_at(p, left) >= 0)
		return 0; /* inference writes UTF-8; only a piece may end inside a character */
	run(&screen, (struct ragd_str){ p, left }, 0, &whole);
	run(&screen, (struct ragd_str){ p, left }, data[0] * 2654435761u + 1, &pieces);
	if (whole.len != pieces.len ||
	    (whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	buf_fini(&whole);
	buf_fini(&pieces);
	return 0;
}
