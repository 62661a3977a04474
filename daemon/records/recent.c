#include "daemon/records/recent.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"

#define TEXT_MAX 8192

struct recent_place {
	char id[40];
	int lost; /* 0, or why there is no row of it */
	char *question;
	char *answer; /* in question's memory */
};

struct recent {
	uint64_t n_added;
	/* Apart from the rest: each answer looks through all of these. */
	uint64_t added[RECENT_MAX]; /* n_added then; 0: nothing is here */
	uid_t uid[RECENT_MAX];
	struct recent_place place[RECENT_MAX];
};

struct recent *recent_new(void)
{
	return calloc(1, sizeof(struct recent));
}

void recent_free(struct recent *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < RECENT_MAX; i++)
		free(r->place[i].question);
	free(r);
}

/* The oldest; of its own if it holds as much as it may. */
static size_t place_for(const struct recent *r, uid_t uid)
{
	size_t oldest = 0, oldest_own = 0, n_own = 0;

	for (size_t i = 0; i < RECENT_MAX; i++) {
		if (r->added[i] < r->added[oldest])
			oldest = i;
		if (r->uid[i] != uid || r->added[i] == 0)
			continue;
		if (n_own++ == 0 || r->added[i] < r->added[oldest_own])
			oldest_own = i;
	}
	return n_own >= RECENT_MAX / 2 ? oldest_own : oldest;
}

/* How much of a text is kept: whole characters, so that it stays valid UTF-8. */
static size_t text_cut(struct ragd_str s)
{
	return s.len > TEXT_MAX ? utf8_whole(s.s, TEXT_MAX) : s.len;
}

size_t recent_add(struct recent *r, const char *id, uid_t uid, struct ragd_str question,
		  struct ragd_str answer)
{
	size_t at = place_for(r, uid);
	struct recent_place *p = &r->place[at];
	size_t n_question = text_cut(question);
	size_t n_answer = text_cut(answer);

	free(p->question);
	*p = (struct recent_place){ .question = calloc(1, n_question + n_answer + 2) };
	r->added[at] = ++r->n_added;
	r->uid[at] = uid;
	if (p->question == NULL)
		return at;
	snprintf(p->id, sizeof(p->id), "%s", id);
	p->answer = p->question + n_question + 1;
	if (n_question > 0)
		memcpy(p->question, question.s, n_question);
	if (n_answer > 0)
		memcpy(p->answer, answer.s, n_answer);
	return at;
}

void recent_lose(struct recent *r, size_t at, const char *id, int lost)
{
	if (strcmp(r->place[at].id, id) == 0)
		r->place[at].lost = lost;
}

/* RECENT_MAX: it is not here. */
static size_t slot_find(const struct recent *r, const char *id)
{
	size_t i = 0;

	while (i < RECENT_MAX && strcmp(r->place[i].id, id) != 0)
		i++;
	return i;
}

int recent_lost(const struct recent *r, const char *id, uid_t uid, bool admin)
{
	size_t at = slot_find(r, id);

	return at < RECENT_MAX && (admin || r->uid[at] == uid) ? r->place[at].lost : 0;
}

void recent_texts(const struct recent *r, const char *id, char **question, char **answer)
{
	size_t at = slot_find(r, id);

	*question = *answer = NULL;
	if (at == RECENT_MAX || r->place[at].question == NULL)
		return;
	*question = strdup(r->place[at].question);
	*answer = strdup(r->place[at].answer);
}
