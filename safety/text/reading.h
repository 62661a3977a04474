/*
 * A reading: text as it looks where it is shown. On top of folding, what only decorates is left out
 * (emphasis, code spans, strikes, marks of quotations, escapes, tags, comments); entities are what
 * they stand for; a run that an override turns round stands in the order in which it is seen; a
 * word cut at the end of a line and letters set apart are words again. Each byte knows the raw
 * bytes it came from, and a text in pieces reads as it does in one.
 */
#ifndef SAFETY_READING_H
#define SAFETY_READING_H

#include "safety/stream/spans.h"
#include "safety/stream/stop_check.h"
#include "safety/text/folded.h"

/* How far a reading looks for the end of a tag, a comment or an override, in bytes. */
#define READING_AHEAD 256
/*
 * What may be left out between characters: so many bytes at once, and so many for each character in
 * the long run. Decoration beyond that stands for itself, which bounds how much raw text a find can
 * span.
 */
#define READING_OMIT     1024
#define READING_OMIT_PER 8
/* Characters that are shown for each one that a reading gives, where letters are set apart. */
#define READING_SPREAD 2

/* Zero-initialise but for `whole`, `stop` and `tags`; reading_fini. */
struct text_reading {
	struct stop_check *stop; /* NULL: nobody stops it; what is stopped is read no further */
	struct spans *tags;  /* tags and comments that were left out are added; NULL: nobody asks */
	bool whole;          /* all of the text is given at once: nothing is bounded */
	bool no_close;       /* no comment ends behind here */
	struct folded shown; /* its letters may yet turn out to be set apart */
	uint32_t fed;        /* raw offset: what is before has been looked at */
	uint32_t omitted;    /* bytes left out lately */
	char prev;           /* the raw byte before `fed`; 0 at the start */
	char last;           /* the byte shown last; 0 at the start */
	char literal;        /* this mark stands for itself as long as its run goes on */
	bool lost;           /* something is not given that was written: a tag, an order */
	bool in_line;        /* more than blanks stand before on this line */
	bool emphasis;       /* an underscore has opened it */
	char before;         /* the byte that was given last; 0 at the start */
	char sep;            /* what sets letters apart; 0: they are not */
	bool again;          /* letters were set apart a moment ago */
};

void reading_fini(struct text_reading *r);

/*
 * How much of raw[0..len), which stands at r->fed and ends with a whole character, reads as it is
 * written: that much has been read. *differs says that the rest does not; if it is false, the rest
 * is short and depends on what follows. No longer to be called after reading_add.
 */
size_t reading_skip(struct text_reading *r, const char *raw, size_t len, bool end, bool *differs);

/*
 * Read raw[0..len), which stands at r->fed: goes as far as it can, and the same bytes from the new
 * r->fed on are to be given again with what follows them. What is read is appended to out. An
 * override that turns round more than READING_AHEAD bytes is added to cuts: without it the bytes
 * are seen in the order in which they are read.
 */
void reading_add(struct text_reading *r, const char *raw, size_t len, bool end, struct folded *out,
		 struct spans *cuts);

/* The raw offset before which all that is read has been given. */
uint32_t reading_given(const struct text_reading *r);

#endif
