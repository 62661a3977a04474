/* What an instance can do, and asking it for vectors. */
#include "daemon/plugins/plugin_set.h"

#include <string.h>

#include "base/text/ascii.h"
#include "daemon/plugins/validate.h"

/* By the operations of its module. */
static uint32_t abilities_of(const struct ragd_plugin *d)
{
	uint32_t can = 0;

	if (d->kind == RAGD_KIND_INFERENCE) {
		can |= RAGD_GENERATES;
		can |= d->ops.inference->embed != NULL ? RAGD_EMBEDS : 0;
		can |= d->ops.inference->score != NULL ? RAGD_SCORES : 0;
		can |= d->ops.inference->rerank != NULL ? RAGD_RERANKS : 0;
	} else if (d->kind == RAGD_KIND_RETRIEVAL) {
		can |= d->ops.retrieval->embed != NULL ? RAGD_EMBEDS : 0;
	}
	return can;
}

bool plugin_can(const struct ragd_plugin *d, void *self, enum ragd_ability ability)
{
	struct ragd_card card = { .size = sizeof(card) };
	uint32_t can = abilities_of(d);

	if ((can & ability) != 0 && d->kind == RAGD_KIND_INFERENCE) {
		d->ops.inference->card(self, &card);
		if (card.abilities != 0)
			can &= card.abilities;
	}
	return (can & ability) != 0;
}

int plugin_assistants_check(const struct config *cfg, const char *name, const struct ragd_plugin *d,
			    void *self, struct ragd_err *err)
{
	if (d->kind != RAGD_KIND_INFERENCE || plugin_can(d, self, RAGD_GENERATES))
		return 0;
	for (size_t i = 0; i < cfg->n_assistants; i++)
		if (strcmp(cfg->assistants[i].inference, name) == 0)
			return ragd_err_set(err, -EINVAL,
					    "%s: assistant \"%s\": inference: the model of \"%s\" "
					    "writes no text",
					    cfg->assistants[i].inference_at,
					    cfg->assistants[i].name, name);
	return 0;
}

const struct plugin *plugin_set_encoder(const struct plugin_set *set, const char *name)
{
	for (size_t i = 0; i < plugin_set_count(set); i++) {
		const struct plugin *p = plugin_set_at(set, i);

		if (p->descriptor->kind == RAGD_KIND_INFERENCE &&
		    (name == NULL || strcmp(p->name, name) == 0) &&
		    !plugin_can(p->descriptor, p->self, RAGD_GENERATES) &&
		    plugin_can(p->descriptor, p->self, RAGD_EMBEDS))
			return p;
	}
	return NULL;
}

static bool is_blank(struct ragd_str t)
{
	size_t at = 0;

	while (at < t.len && ascii_is_space(t.s[at]))
		at++;
	return at == t.len;
}

/* So no plugin need think of texts that there is nothing to say about. */
static int texts_check(const struct ragd_embed *req, struct ragd_err *err)
{
	for (size_t i = 0; i < req->n; i++)
		if (is_blank(req->texts[i]))
			return ragd_err_set(err, -EINVAL, "text %zu is %s: it has no vector", i,
					    req->texts[i].len == 0 ? "empty" : "blank");
	return 0;
}

int plugin_embed(const struct ragd_plugin *d, void *self, const struct ragd_call *call,
		 const struct ragd_embed *req, struct ragd_embeddings *out, struct ragd_err *err)
{
	struct ragd_embed_card card = { .size = sizeof(card) };
	int rc = texts_check(req, err);

	if (rc < 0)
		return rc;
	if (d->kind == RAGD_KIND_RETRIEVAL)
		return d->ops.retrieval->embed(self, call, req, out, err);
	rc = d->ops.inference->embed(self, call, req, out, err);
	if (d->ops.inference->embed_card != NULL)
		d->ops.inference->embed_card(self, &card);
	memcpy(out->stamp, card.stamp, sizeof(out->stamp));
	return rc;
}

int plugin_rerank(const char *name, const struct ragd_plugin *d, void *self,
		  const struct ragd_call *call, const struct ragd_rerank *req, double *scores,
		  struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	int rc;

	if (is_blank(req->query))
		return ragd_err_set(err, -EINVAL, "the query is blank: nothing is relevant to it");
	for (size_t i = 0; i < req->n; i++)
		if (is_blank(req->passages[i]))
			return ragd_err_set(err, -EINVAL, "passage %zu is blank", i);
	validate_ranks_prepare(scores, req->n);
	rc = d->ops.inference->rerank(self, call, req, scores, &why);
	rc = validate_ranks(name, rc, scores, req->n, &why);
	return rc < 0 ? ragd_err_set(err, rc, "%s", why.msg) : 0;
}

bool plugin_embed_card(const char *name, const struct ragd_plugin *d, void *self,
		       struct ragd_embed_card *out)
{
	if (d->kind != RAGD_KIND_INFERENCE || d->ops.inference->embed_card == NULL ||
	    !plugin_can(d, self, RAGD_EMBEDS))
		return false;
	*out = (struct ragd_embed_card){ .size = sizeof(*out) };
	d->ops.inference->embed_card(self, out);
	return validate_embed_card(name, out) == 0;
}
