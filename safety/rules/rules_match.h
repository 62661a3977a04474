/* From hits of terms to rules that fire. */
#ifndef SAFETY_RULES_MATCH_H
#define SAFETY_RULES_MATCH_H

#include "safety/rules/patterns.h"
#include "safety/rules/rules.h"
#include "safety/stream/stop_check.h"

#define RULES_MATCH_CONTEXT 400 /* bytes; what is further away is another sentence */

/* A rule holds in text[start .. end). False: of this rule no more is wanted. */
typedef bool (*rules_match_fn)(void *arg, const struct rule *rule, size_t start, size_t end);

/*
 * Call cb for every place where a rule for the stage holds in text[0..len), given the hits of
 * patterns_scan on it. [start, end) is from the first term's hit to the last one's. Takes steps of
 * `stop` in proportion to the text and its hits. Returns 0; -ENOMEM; or what stopped it.
 */
int rules_match(const struct rules *rules, enum ragd_stage stage, const char *text, size_t len,
		const struct pattern_hits *hits, struct stop_check *stop, rules_match_fn cb,
		void *arg);

/* Grow [*start, *end) of text[0..len) to the whole sentence, or several, that it lies in. */
void rules_match_sentence(const char *text, size_t len, size_t *start, size_t *end);

#endif
