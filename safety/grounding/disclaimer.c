#include "safety/grounding/disclaimer.h"

#include <string.h>

/* Words that a disclaimer is made of. */
#define TELLING                                                                                    \
	(CLAIM_SPEAKS | CLAIM_SOURCE | CLAIM_STATES | CLAIM_KNOWS | CLAIM_STATED | CLAIM_ANSWER |  \
	 CLAIM_UNSTATED | CLAIM_FILLER)
/* And those that hold it together. */
#define JOINING                                                                                    \
	(CLAIM_NEGATES | CLAIM_NOTHING | CLAIM_ABOUT | CLAIM_ASKS | CLAIM_BUT | CLAIM_AND |        \
	 CLAIM_FINITE | CLAIM_INSIDE | CLAIM_THERE)

/* How a clause denies, and what it needs so that it denies nothing about the world. */
enum denial {
	DENIES_NOTHING,
	DENIES_STATING, /* "do not mention": documents, or the answer's author, as the subject */
	DENIES_KNOWING, /* "do not know": the same */
	DENIES_STATED,  /* "is not mentioned": in documents; or an answer, information */
	DENIES_ANSWER,  /* "there is no information" */
	DENIES_PLACE,   /* "is not in the documents" */
	DENIES_BEHIND,  /* "say nothing": as "do not mention" */
	DENIES_CLARITY, /* "is unclear": from documents */
};

enum join { JOIN_NONE, JOIN_COMMA, JOIN_AND, JOIN_BUT };

struct clause {
	enum join join; /* what it follows */
	enum denial denial;
	bool any;            /* it has a word */
	bool telling;        /* one that a disclaimer is made of */
	bool finite;         /* an auxiliary verb: it may say something by itself */
	bool about;          /* it begins with "about", "regarding" */
	bool asks;           /* it begins with "how", "whether" */
	bool there;          /* "there is", or it begins with the negation */
	bool speaks;         /* "I" */
	bool answer;         /* "the answer", "information" */
	bool negated;        /* a negation that has found no verb yet */
	bool negated_any;    /* any negation */
	bool determiner;     /* it is "no", "nothing" */
	bool gap_source;     /* documents between it and the verb: "none of the documents" */
	bool inside;         /* "in", "based on": documents that come next are a place */
	bool licensed;       /* "about", "mention" stood before: the question's words come next */
	bool asked;          /* words of the question */
	bool asked_before;   /* they stand before the denial, and nothing licensed them */
	bool asked_behind;   /* behind it, and nothing licensed them */
	bool begins_stating; /* with a verb such as "say" */
	bool states;         /* a verb such as "say", with no more than fillers behind it */
	bool just_stated;    /* the word before was the denied "given", "provided" */
	bool just_source;    /* the word before was "passage": its number may follow */
};

/* A sentence as far as it was read. */
struct disclaimer {
	struct clause now, before;
	bool denied;
	bool source, place, speaker, answer; /* what is in it */
	bool needs_subject, needs_source, needs_place, needs_topic;
};

/* ---- clauses ---- */

/* Of a clause that denies nothing: whether it claims nothing, either. */
static bool clause_is_empty(const struct disclaimer *d)
{
	const struct clause *c = &d->now;

	/* "but he did", "no": an answer without a word of its own */
	if (!c->asked)
		return c->telling || (!c->finite && !c->negated_any);
	if (c->asks && (c->join == JOIN_NONE || c->join == JOIN_AND))
		return true;
	if (c->about && !c->finite)
		return true;
	/* "... the size and the limit", "... mention or describe the limit" */
	return c->join == JOIN_AND && !c->finite && d->before.denial != DENIES_NOTHING &&
	       (d->before.asked || c->begins_stating);
}

/* Whether the clause that ends is part of a disclaimer. */
static bool clause_end(struct disclaimer *d)
{
	const struct clause *c = &d->now;

	if (!c->any)
		return true;
	if (c->denial == DENIES_NOTHING)
		return clause_is_empty(d);
	d->denied = true;
	if (c->asked_before) { /* "the pool is not mentioned": by documents, or it is a claim */
		d->needs_place = true;
		if (c->denial != DENIES_STATED && c->denial != DENIES_PLACE &&
		    c->denial != DENIES_CLARITY)
			return false;
	}
	switch (c->denial) {
	case DENIES_STATING:
		d->needs_subject = true;
		d->needs_source = d->needs_source || c->asked_behind;
		return true;
	case DENIES_KNOWING:
		d->needs_subject = true;
		return true;
	case DENIES_STATED:
		d->needs_topic = true;
		return !c->asked_behind;
	case DENIES_ANSWER:
		d->needs_subject = d->needs_subject || !c->there;
		return !c->asked_behind;
	case DENIES_BEHIND:
		d->needs_subject = true;
		return !c->asked_behind;
	case DENIES_CLARITY:
		d->needs_source = true;
		return !c->asked_behind;
	default:
		return !c->asked_behind;
	}
}

static bool clause_begin(struct disclaimer *d, enum join join)
{
	bool ok = clause_end(d);

	if (d->now.any)
		d->before = d->now;
	else
		join = join > d->now.join ? join : d->now.join;
	d->now = (struct clause){ .join = join };
	return ok;
}

/* What stands between two words may end a clause. */
static bool gap_read(struct disclaimer *d, const char *s, size_t len)
{
	bool comma = false;

	for (size_t i = 0; i < len; i++) {
		if (strchr(";:.!?(", s[i]) != NULL ||
		    (s[i] == '-' && len > 1) || /* not that of "thread-pool" */
		    (i + 2 < len && memcmp(s + i, "\xe2\x80", 2) == 0 &&
		     (s[i + 2] == '\x93' || s[i + 2] == '\x94'))) /* dashes */
			return clause_begin(d, JOIN_BUT);
		comma = comma || s[i] == ',';
	}
	return !comma || clause_begin(d, JOIN_COMMA);
}

/* ---- words ---- */

static void source_read(struct disclaimer *d)
{
	struct clause *c = &d->now;

	if (c->just_stated) { /* "none of the provided documents": that was no verb */
		c->denial = DENIES_NOTHING;
		c->negated = true;
	}
	if (c->inside) {
		d->place = true;
		if (c->negated)
			c->denial = DENIES_PLACE;
		c->negated = false;
	} else if (c->negated) {
		c->gap_source = true;
	} else {
		d->source = true;
	}
	c->inside = false;
}

/* Two negations affirm; false for those. */
static bool negation_read(struct disclaimer *d, uint64_t bits, bool first)
{
	struct clause *c = &d->now;

	if (c->negated)
		return false;
	c->negated_any = true;
	if (c->denial != DENIES_NOTHING)
		return true;
	if (c->states && bits & CLAIM_NOTHING) {
		c->denial = DENIES_BEHIND;
		return true;
	}
	c->negated = true;
	c->determiner = (bits & CLAIM_NOTHING) != 0;
	c->there = c->there || first;
	c->gap_source = false;
	c->inside = false;
	return true;
}

static enum denial denial_of(const struct clause *c, uint64_t bits)
{
	const bool noun = c->determiner && !c->gap_source; /* "no mention", "no relevant" */

	if (bits & CLAIM_ANSWER && (noun || !(bits & (CLAIM_KNOWS | CLAIM_STATES))))
		return DENIES_ANSWER;
	if (noun && bits & CLAIM_FILLER)
		return DENIES_NOTHING;
	if (bits & CLAIM_KNOWS)
		return DENIES_KNOWING;
	/* "was not found", but "I have not found" */
	if (bits & CLAIM_STATED)
		return c->speaks ? DENIES_STATING : DENIES_STATED;
	return bits & CLAIM_STATES ? DENIES_STATING : DENIES_NOTHING;
}

/* A verb or noun that may be what a negation before it denies. */
static void denial_read(struct disclaimer *d, uint64_t bits)
{
	struct clause *c = &d->now;

	if (c->denial == DENIES_NOTHING && c->negated) {
		c->denial = denial_of(c, bits);
		if (c->denial == DENIES_NOTHING)
			return;
		c->negated = false;
		c->licensed = c->denial == DENIES_KNOWING;
		c->just_stated = c->denial == DENIES_STATED;
		d->source = d->source || (c->gap_source && c->denial != DENIES_STATED);
		return;
	}
	if (c->denial == DENIES_NOTHING && bits & CLAIM_UNSTATED)
		c->denial = DENIES_CLARITY;
	if (c->denial != DENIES_NOTHING && bits & (CLAIM_STATES | CLAIM_KNOWS))
		c->licensed = true;
}

/* A word that means something and is not a disclaimer's. */
static void asked_read(struct disclaimer *d)
{
	struct clause *c = &d->now;

	c->asked = true;
	c->negated = false;
	c->inside = false;
	if (c->denial != DENIES_NOTHING)
		c->asked_behind = c->asked_behind || !c->licensed;
	else
		c->asked_before = c->asked_before || !(c->licensed || c->about || c->asks);
}

/* False: the sentence is no disclaimer. */
static bool word_read(struct disclaimer *d, uint64_t bits, bool content, bool asked)
{
	struct clause *c = &d->now;
	bool first, just_stated = c->just_stated;

	if (bits & CLAIM_BUT)
		return clause_begin(d, JOIN_BUT);
	/* "the size and the limit are not mentioned" is one clause. */
	if (bits & CLAIM_AND && (!c->any || c->finite || c->denial != DENIES_NOTHING)) {
		if (!clause_begin(d, JOIN_AND))
			return false;
	}
	if ((bits & (CLAIM_AND | CLAIM_NEGATES)) == CLAIM_AND)
		return true;
	first = !c->any;
	c->any = true;
	c->about = c->about || (first && bits & CLAIM_ABOUT);
	c->asks = c->asks || (first && bits & CLAIM_ASKS);
	c->begins_stating =
		c->begins_stating || (first && bits & (CLAIM_STATES | CLAIM_STATED | CLAIM_KNOWS));
	c->telling = c->telling || bits & TELLING;
	c->finite = c->finite || bits & CLAIM_FINITE;
	c->there = c->there || bits & CLAIM_THERE;
	c->speaks = c->speaks || bits & CLAIM_SPEAKS;
	d->speaker = d->speaker || bits & CLAIM_SPEAKS;
	c->answer = c->answer || bits & CLAIM_ANSWER;
	d->answer = d->answer || bits & CLAIM_ANSWER;
	if (content && !(bits & (TELLING | JOINING))) {
		c->states = c->just_stated = false;
		if (asked)
			asked_read(d);
		return asked;
	}
	if (bits & CLAIM_NEGATES && !negation_read(d, bits, first))
		return false;
	if (bits & CLAIM_SOURCE)
		source_read(d);
	denial_read(d, bits);
	c->inside = c->inside || bits & CLAIM_INSIDE;
	if (bits & (CLAIM_ABOUT | CLAIM_ASKS))
		c->licensed = c->licensed || c->denial != DENIES_NOTHING || c->answer || first;
	c->just_stated = c->just_stated && !just_stated;
	c->just_source = (bits & CLAIM_SOURCE) != 0;
	c->states = bits & (CLAIM_STATES | CLAIM_KNOWS) || (c->states && bits & CLAIM_FILLER);
	return true;
}

/* ---- the sentence ---- */

static bool is_asked(const struct claim_token *question, size_t n, uint64_t hash)
{
	for (size_t i = 0; i < n; i++)
		if (question[i].hash == hash)
			return true;
	return false;
}

bool disclaimer_matches(struct words *w, const struct claim_lexicon *x,
			const struct claim_token *question, size_t n, const char *sentence,
			size_t len)
{
	struct disclaimer d = { 0 };
	struct claim_token t;
	struct word word;
	uint32_t end = 0;

	words_start(w, sentence, len);
	while (words_next(w, &word)) {
		uint64_t bits;
		bool content;

		if (word.start < end) /* a part of the word before */
			continue;
		if (end > 0 && !gap_read(&d, sentence + end, word.start - end))
			return false;
		end = word.end;
		bits = claim_word_bits(x, &word);
		content = claim_word_token(x, &word, bits, &t);
		if (content && t.kind == TOKEN_NUMBER && d.now.just_source)
			continue; /* passage 2 */
		if (!word_read(&d, bits, content,
			       (bits & CLAIM_KIND) != 0 ||
				       (content && is_asked(question, n, t.hash))))
			return false;
	}
	return clause_end(&d) && d.denied &&
	       (!d.needs_subject || d.source || d.place || d.speaker) &&
	       (!d.needs_source || d.source || d.place) && (!d.needs_place || d.place) &&
	       (!d.needs_topic || d.place || d.answer);
}
