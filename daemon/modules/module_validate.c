#include "daemon/modules/module_private.h"

#include "base/name.h"
#include "base/util.h"
#include "daemon/modules/option.h"

#define ALL_STAGES (1u << RAGD_STAGE_PROMPT | 1u << RAGD_STAGE_DOCUMENT | 1u << RAGD_STAGE_RESPONSE)

/* A member that has to be there, and whether it is. */
struct need {
	const char *member;
	bool there;
};

static int needs_check(const char *name, const struct need *needs, size_t n, struct ragd_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!needs[i].there)
			return ragd_err_set(err, -EINVAL, "module '%s': its descriptor has no %s",
					    name, needs[i].member);
	return 0;
}

static bool is_text(const char *s)
{
	return s != NULL && s[0] != '\0';
}

static int inference_validate(const char *name, const struct ragd_inference_ops *ops,
			      struct ragd_err *err)
{
	const struct need needs[] = {
		{ "ops.inference->card", ops->card != NULL },
		{ "ops.inference->generate", ops->generate != NULL },
	};

	return needs_check(name, needs, ARRAY_LEN(needs), err);
}

static int retrieval_validate(const char *name, const struct ragd_retrieval_ops *ops,
			      struct ragd_err *err)
{
	const struct need needs[] = {
		{ "ops.retrieval->collection_put", ops->collection_put != NULL },
		{ "ops.retrieval->collection_remove", ops->collection_remove != NULL },
		{ "ops.retrieval->collections", ops->collections != NULL },
		{ "ops.retrieval->put", ops->put != NULL },
		{ "ops.retrieval->remove", ops->remove != NULL },
		{ "ops.retrieval->list", ops->list != NULL },
		{ "ops.retrieval->get", ops->get != NULL },
		{ "ops.retrieval->search", ops->search != NULL },
		{ "ops.retrieval->stats", ops->stats != NULL },
	};

	return needs_check(name, needs, ARRAY_LEN(needs), err);
}

static int safety_validate(const char *name, const struct ragd_safety_ops *ops,
			   struct ragd_err *err)
{
	int n_stream = (ops->stream_open != NULL) + (ops->stream_feed != NULL) +
		       (ops->stream_close != NULL);
	const struct need needs[] = {
		{ "ops.safety->check", ops->check != NULL },
		{ "ops.safety->stages: it has to name at least one", ops->stages != 0 },
		{ "ops.safety->holdback, which a filter of streams has to tell",
		  n_stream == 0 || ops->holdback != NULL },
	};

	if (n_stream != 0 && n_stream != 3)
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': it has some of ops.safety->stream_open, stream_feed and "
			"stream_close; give all three or none",
			name);
	if ((ops->stages & ~ALL_STAGES) != 0)
		return ragd_err_set(err, -EINVAL, "module '%s': unknown stages 0x%x", name,
				    (unsigned)(ops->stages & ~ALL_STAGES));
	if ((ops->traits & ~RAGD_SAFETY_GROUNDS) != 0)
		return ragd_err_set(err, -EINVAL, "module '%s': unknown traits 0x%x", name,
				    (unsigned)(ops->traits & ~RAGD_SAFETY_GROUNDS));
	return needs_check(name, needs, ARRAY_LEN(needs), err);
}

static int ops_validate(const char *name, const struct ragd_plugin *p, struct ragd_err *err)
{
	switch (p->kind) {
	case RAGD_KIND_INFERENCE:
		return inference_validate(name, p->ops.inference, err);
	case RAGD_KIND_RETRIEVAL:
		return retrieval_validate(name, p->ops.retrieval, err);
	case RAGD_KIND_SAFETY:
		break;
	}
	return safety_validate(name, p->ops.safety, err);
}

static int name_validate(const char *name, const struct ragd_plugin *p, struct ragd_err *err)
{
	if (!is_text(p->name))
		return ragd_err_set(err, -EINVAL, "module '%s': its descriptor has no name", name);
	if (!name_is_identifier(p->name, strnlen(p->name, NAME_LEN_MAX + 1)))
		return ragd_err_set(err, -EINVAL,
				    "module '%s': its name '%.64s' may only contain a-z, 0-9 and _",
				    name, p->name);
	if (strcmp(p->name, name) != 0)
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': it calls itself '%s'; file and descriptor must agree", name,
			p->name);
	return 0;
}

/* ---- the copy ------------------------------------------------------------------------------ */

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/*
 * The least that a module must have: as far as the members go that no plugin can leave out. What
 * comes behind them is NULL in the copy where the module ends before it.
 */
#define DESCRIPTOR_MIN END_OF(struct ragd_plugin, ops)
#define INFERENCE_MIN  END_OF(struct ragd_inference_ops, generate)
#define RETRIEVAL_MIN  END_OF(struct ragd_retrieval_ops, stats)
#define SAFETY_MIN     END_OF(struct ragd_safety_ops, check)

/* A table of operations, which begins with its size. */
static int ops_copy(const char *name, void *out, size_t max, const void *ops, size_t min,
		    struct ragd_err *err)
{
	uint32_t size;

	if (ops == NULL)
		return ragd_err_set(err, -EINVAL, "module '%s': its descriptor has no ops", name);
	memcpy(&size, ops, sizeof(size));
	if (size < min)
		return ragd_err_set(err, -EINVAL,
				    "module '%s': its table of operations announces %u bytes, at "
				    "least %zu are needed; it begins with .size = sizeof of itself",
				    name, (unsigned)size, min);
	memcpy(out, ops, MIN((size_t)size, max));
	return 0;
}

/* out->plugin is the module's, its ops still point into the module. */
static int ops_adopt(const char *name, struct module_descriptor *out, struct ragd_err *err)
{
	struct ragd_plugin *p = &out->plugin;
	int rc;

	switch (p->kind) {
	case RAGD_KIND_INFERENCE:
		rc = ops_copy(name, &out->ops.inference, sizeof(out->ops.inference),
			      p->ops.inference, INFERENCE_MIN, err);
		p->ops.inference = &out->ops.inference;
		return rc;
	case RAGD_KIND_RETRIEVAL:
		rc = ops_copy(name, &out->ops.retrieval, sizeof(out->ops.retrieval),
			      p->ops.retrieval, RETRIEVAL_MIN, err);
		p->ops.retrieval = &out->ops.retrieval;
		return rc;
	case RAGD_KIND_SAFETY:
		rc = ops_copy(name, &out->ops.safety, sizeof(out->ops.safety), p->ops.safety,
			      SAFETY_MIN, err);
		p->ops.safety = &out->ops.safety;
		return rc;
	}
	return ragd_err_set(err, -EINVAL, "module '%s': unknown kind %d", name, (int)p->kind);
}

/* In the place of what a plugin without state leaves out, so that callers need not ask. */
static int open_stateless(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
			  struct ragd_err *err)
{
	(void)host;
	(void)cfg;
	(void)err;
	*self = NULL;
	return 0;
}

static void close_stateless(void *self)
{
	(void)self;
}

static int descriptor_copy(const char *name, const void *sym, size_t avail,
			   struct module_descriptor *out, struct ragd_err *err)
{
	uint32_t abi, size;

	if (avail < offsetof(struct ragd_plugin, kind))
		return ragd_err_set(err, -EINVAL,
				    "module '%s': its ragd_plugin has %zu bytes, no descriptor",
				    name, avail);
	memcpy(&abi, sym, sizeof(abi));
	memcpy(&size, (const char *)sym + offsetof(struct ragd_plugin, size), sizeof(size));
	if (abi != RAGD_PLUGIN_ABI)
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': built for plugin ABI %u, this ragd has %u; build it against "
			"this ragd's <ragd/plugin.h>",
			name, (unsigned)abi, (unsigned)RAGD_PLUGIN_ABI);
	if (size < DESCRIPTOR_MIN || size > avail)
		return ragd_err_set(
			err, -EINVAL,
			"module '%s': its descriptor announces %u bytes and has %zu, at least %zu "
			"are needed",
			name, (unsigned)size, avail, (size_t)DESCRIPTOR_MIN);
	*out = (struct module_descriptor){ 0 };
	memcpy(&out->plugin, sym, MIN((size_t)size, sizeof(out->plugin)));
	return 0;
}

int module_validate(const char *name, const void *sym, size_t avail, struct module_descriptor *out,
		    struct ragd_err *err)
{
	struct ragd_plugin *p = &out->plugin;
	struct ragd_err why = { 0 };
	int rc = descriptor_copy(name, sym, avail, out, err);

	if (rc < 0)
		return rc;

	const struct need needs[] = {
		{ "version", is_text(p->version) },
		{ "licence", is_text(p->licence) },
		{ "summary", is_text(p->summary) },
		{ "open, but a close", p->open != NULL || p->close == NULL },
	};

	rc = name_validate(name, p, err);
	if (rc == 0)
		rc = needs_check(name, needs, ARRAY_LEN(needs), err);
	if (rc == 0)
		rc = ops_adopt(name, out, err);
	if (rc == 0)
		rc = ops_validate(name, p, err);
	if (rc < 0)
		return rc;
	if (options_validate(p->options, &why) < 0)
		return ragd_err_set(err, -EINVAL, "module '%s': %s", name, why.msg);
	if (p->open == NULL)
		p->open = open_stateless;
	if (p->close == NULL)
		p->close = close_stateless;
	return 0;
}
