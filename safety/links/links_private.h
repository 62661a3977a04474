/* One scan for links, images and HTML: what the files that read its parts share. */
#ifndef SAFETY_LINKS_PRIVATE_H
#define SAFETY_LINKS_PRIVATE_H

#include "base/buf.h"
#include "safety/links/code.h"
#include "safety/links/known.h"
#include "safety/links/links.h"
#include "safety/stream/scan.h"

struct links_at;

struct links {
	struct ragd_screen screen;
	const char *const *hosts;
	/* Goes through a text; handed down, since the scan stands above what asks for it. */
	void (*scan)(struct links *l, struct links_at *at);
	struct known known; /* addresses and tags of the evidence */
	bool read;          /* it was */
	bool collects;      /* what is gone through is the evidence */
	struct buf held;    /* what is not decided; begins at raw offset `base` */
	uint32_t base;
	char before;   /* the byte before `held` */
	bool line;     /* a line begins here */
	bool in_code;  /* its rest is code */
	uint32_t span; /* raw offset: a code span goes up to here; tags in it are text */
	bool margin;   /* nothing but blanks, and tags that went, stands before in it */
	bool bared;    /* such a tag: what stands behind it now begins the line */
	bool long_run; /* within more backticks than are followed */
	bool swallows; /* within an address that is too long */
	struct code code;
	uint64_t brackets; /* open '[', the last one lowest: whether it is an image's */
	unsigned depth;
	bool failed;
};

/* One view of the text and where the scan is in it. */
struct links_at {
	struct scan_view v;
	size_t i;
	struct spans *out;
};

/* What is removed: an address in text; the end of a link's or image's text, with its target. */
extern const struct span_kind links_bare, links_link, links_image;

static inline char links_byte_before(const struct links *l, const struct links_at *at)
{
	return at->i > 0 ? at->v.s[at->i - 1] : l->before;
}

/* Whether the scan is in a code span. */
static inline bool links_in_span(const struct links *l, const struct links_at *at)
{
	return l->base + at->i < l->span;
}

/* ---- what does not leave: links_remove.c ---- */

/*
 * To the end given nothing leaves but the kind's marker, or nothing if it goes on with what went
 * before.
 */
void links_remove_to(struct links *l, struct links_at *at, size_t end, const struct span_kind *kind,
		     bool joins);
/* Of HTML: `fallback` stands there where the text around it was not looked at without it. */
void links_remove_html(struct links *l, struct links_at *at, size_t end,
		       const struct span_kind *kind, const char *fallback);
/* What is too long to be read goes as it comes: begin with it, and go on. */
void links_swallow_begin(struct links *l, struct links_at *at, const struct span_kind *kind);
void links_swallow(struct links *l, struct links_at *at);

/* ---- what the evidence has: links_evidence.c ---- */

bool links_is_known(struct links *l, const char *s, size_t len);
/* Whether the address may leave; of evidence: take it down. */
bool links_may_leave(struct links *l, const char *s, size_t len);

/* ---- what begins at the place of the scan; NO: nothing but itself ---- */

/* Addresses in text: links_address.c. */
enum outcome links_read_scheme(struct links *l, struct links_at *at);
enum outcome links_read_network(struct links *l, struct links_at *at);
enum outcome links_read_word(struct links *l, struct links_at *at);
/* Markdown's links and code: links_markdown.c. */
enum outcome links_read_bracket(struct links *l, struct links_at *at);
enum outcome links_read_backticks(struct links *l, struct links_at *at);
/* Links in angle brackets, and HTML: links_html.c. */
enum outcome links_read_angle(struct links *l, struct links_at *at);

#endif
