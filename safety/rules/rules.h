/*
 * Rule files: what they say, as data. docs/safety.md describes the language for people who write
 * them.
 */
#ifndef SAFETY_RULES_H
#define SAFETY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "safety/stream/spans.h"

enum rule_level { LEVEL_PERMISSIVE, LEVEL_BALANCED, LEVEL_STRICT };

/* All texts of these structs lie in the rules' arena. */
struct rule_category {
	struct span_kind kind; /* category id, marker */
	const char *title;
	const char *message; /* what the user is told when it blocks; NULL: a general sentence */
	const char *note;    /* what the model is told when it steers */
};

struct term_phrase {
	const char *text;
	bool prefix; /* may go on within a word: written with a final '*' */
};

/* Something to look for: a set of phrases or one regular expression. */
struct rule_term {
	const char *name; /* NULL for one written inside a rule */
	struct term_phrase *phrases;
	size_t n_phrases;
	size_t cap_phrases;
	const char *regex; /* or this */
	uint32_t stages;   /* in which stages a rule uses it */
	unsigned line;
	const char *file;
};

#define FIND_MAX 5

/* Terms in this order, each at most gap[i] words behind the one before. */
struct rule_find {
	unsigned term[FIND_MAX];
	unsigned gap[FIND_MAX]; /* words between term[i - 1] and term[i] */
	unsigned n;
};

struct rule {
	const char *name; /* "S8.make-explosive" */
	struct rule_category *category;
	enum ragd_action action;
	struct span_kind kind; /* the category's, with the rule's action */
	uint32_t stages;
	enum rule_level level;   /* at this level and stricter */
	struct rule_find *finds; /* any of these */
	size_t n_finds;
	size_t cap_finds;
	unsigned *unless; /* terms; none of these in the same sentence */
	size_t n_unless;
	size_t cap_unless;
};

struct rules {
	struct arena *arena;               /* every text, and the categories */
	struct rule_category **categories; /* rules point to them: they stay where they are */
	size_t n_categories;
	size_t cap_categories;
	struct rule_term *terms;
	size_t n_terms;
	size_t cap_terms;
	struct rule *rules;
	size_t n_rules;
	size_t cap_rules;
};

struct rules *rules_new(void);
void rules_free(struct rules *r);

/*
 * Add what text[0..len) says; `name` is for messages. Rules whose level is stricter than `level`
 * are read and checked, then left out. -EINVAL with "file:line: ..." at the first mistake; then r
 * is only good for rules_free.
 */
int rules_parse(struct rules *r, const char *name, const char *text, size_t len,
		enum rule_level level, struct ragd_err *err);
/* The same for a file, or for all *.rules of a directory in the order of their names. */
int rules_load(struct rules *r, const char *path, enum rule_level level, struct ragd_err *err);
/* After the last file: everything that was named exists. */
int rules_check(struct rules *r, struct ragd_err *err);

#endif
