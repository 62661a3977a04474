/* From hits of terms to rules that fire. */
#ifndef SAFETY_JUDGE_H
#define SAFETY_JUDGE_H

#include "safety/patterns.h"
#include "safety/rules.h"

/*
 * Call cb for every place where a rule for the stage holds in text[0..len), given the hits of
 * patterns_scan on it. [start, end) is from the first term's hit to the last one's.
 * Returns 0, or -ENOMEM.
 */
int judge(const struct rules *rules, enum ragd_stage stage, const char *text, size_t len,
	  const struct hits *hits,
	  void (*cb)(void *arg, const struct rule *rule, size_t start, size_t end), void *arg);

/* Grow [*start, *end) of text[0..len) to the whole sentence, or several, that it lies in. */
void judge_sentence(const char *text, size_t len, size_t *start, size_t *end);

#endif
