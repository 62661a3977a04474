/* What the filters say of texts. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

struct verdict {
	struct ragd_verdict_row row;
	struct ragd_category_row *categories; /* [n_categories] */
	size_t n_categories;
	const json_t *rules;
};

struct ragd_verdicts {
	struct client_reply reply; /* what the rows borrow from */
	size_t n;
	struct verdict rows[];
};

static bool verdict_init(struct verdict *v, const json_t *o)
{
	const json_t *ragd = json_object_get(o, "ragd");
	json_t *flags = json_object_get(o, "categories");
	const json_t *scores = json_object_get(o, "category_scores");
	const char *name;
	json_t *flag;

	v->row = (struct ragd_verdict_row){
		.flagged = client_true(o, "flagged"),
		.action = client_text(ragd, "action"),
		.score = client_real(ragd, "score"),
		.text = client_text(ragd, "text"),
		.note = client_text(ragd, "note"),
	};
	v->rules = json_object_get(ragd, "rules");
	v->categories = calloc(json_object_size(flags) + 1, sizeof(*v->categories));
	if (v->categories == NULL)
		return false;
	json_object_foreach(flags, name, flag)
		v->categories[v->n_categories++] =
			(struct ragd_category_row){ name, json_is_true(flag),
						    client_real(scores, name) };
	return true;
}

int ragd_client_moderate(struct ragd_client *c, const struct ragd_moderate *m,
			 struct ragd_verdicts **out, struct ragd_err *err)
{
	struct client_reply reply;
	struct ragd_verdicts *v;
	struct client_body b;
	const json_t *results;
	int rc;

	client_body_init(&b, err);
	client_body_texts(&b, "input", m->texts, m->n_texts);
	client_body_text(&b, "model", m->policy);
	client_body_text(&b, "stage", m->stage);
	rc = client_send(c, "POST", client_path("/v1/moderations"), &b, &reply);
	if (rc < 0)
		return rc;
	results = json_object_get(reply.root, "results");
	v = client_list_new(&reply, sizeof(*v), m->n_texts, sizeof(v->rows[0]), err);
	if (v == NULL)
		return -ENOMEM;
	v->reply = reply;
	v->n = m->n_texts;
	if (json_array_size(results) != v->n)
		rc = ragd_err_set(err, -EPROTO, "%zu texts were sent, %zu results came back",
				  m->n_texts, json_array_size(results));
	for (size_t i = 0; rc == 0 && i < v->n; i++)
		if (!verdict_init(&v->rows[i], json_array_get(results, i)))
			rc = client_no_memory(err);
	if (rc == 0)
		*out = v;
	else
		ragd_verdicts_free(v);
	return rc;
}

const struct ragd_verdict_row *ragd_verdicts_at(const struct ragd_verdicts *v, size_t i)
{
	return i < v->n ? &v->rows[i].row : NULL;
}

const struct ragd_category_row *ragd_verdicts_category(const struct ragd_verdicts *v, size_t i,
						       size_t j)
{
	return i < v->n && j < v->rows[i].n_categories ? &v->rows[i].categories[j] : NULL;
}

const char *ragd_verdicts_rule(const struct ragd_verdicts *v, size_t i, size_t j)
{
	return i < v->n ? json_string_value(json_array_get(v->rows[i].rules, j)) : NULL;
}

const char *ragd_verdicts_json(const struct ragd_verdicts *v)
{
	return v->reply.text;
}

void ragd_verdicts_free(struct ragd_verdicts *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++)
		free(v->rows[i].categories);
	client_reply_fini(&v->reply);
	free(v);
}
