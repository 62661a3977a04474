#include "safety/text/views.h"

#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/text/plain.h"
#include "safety/text/reading.h"

/* White space of so many bytes is still one blank, where text need not be held for it. */
#define WHOLE_GAP  4096
#define FOLD_BLOCK 16384

/* As it is written, some at a time, so that it can be stopped. */
static void fold_blocks(struct folded *out, const char *text, size_t len, struct stop_check *stop)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = MIN(len - at, (size_t)FOLD_BLOCK);
		if (at + n < len)
			n = MAX(utf8_whole(text + at, n), (size_t)1);
		if (!stop_check_step(stop, n))
			return;
		folded_add(out, text + at, n, (uint32_t)at);
	}
}

bool views_init(struct views *v, const char *text, size_t len, const struct unjoin *words,
		struct stop_check *stop)
{
	struct text_reading r = { .stop = stop, .whole = true };
	bool differs;

	*v = (struct views){ .words = words, .stop = stop };
	reading_skip(&r, text, len, true, &differs);
	if (differs)
		reading_add(&r, text, len, true, &v->read, NULL);
	else
		fold_blocks(&v->read, text, len, stop);
	if (r.lost)
		fold_blocks(&v->written, text, len, stop);
	reading_fini(&r);
	return !v->written.failed && !v->read.failed;
}

void views_fini(struct views *v)
{
	folded_fini(&v->written);
	folded_fini(&v->read);
}

bool views_next(struct views *v, struct folded *plain)
{
	const struct folded *in = &v->read;

	for (;;) {
		bool there;

		folded_clear(plain);
		if (!stop_check_step(v->stop, in->len))
			return false;
		switch (v->next++) {
		case 0:
			plain_add(plain, in, WHOLE_GAP);
			there = true;
			break;
		case 1:
			plain_add(plain, &v->written, WHOLE_GAP);
			there = v->written.len > 0;
			break;
		case 2:
			there = v->words != NULL && plain_undo(plain, in, v->stop);
			break;
		case 3:
			there = v->words != NULL && plain_decode(plain, in, v->stop);
			break;
		case 4:
			there = v->words != NULL && plain_turn(plain, in, v->stop);
			break;
		case 5:
			there = v->words != NULL && unjoin(v->words, in, plain, v->stop);
			break;
		default:
			return false;
		}
		if (there || plain->failed)
			return true;
	}
}
