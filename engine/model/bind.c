/*
 * The tensors of a file against the tables of its architecture: each one that a table asks for is
 * there, has the shape that the metadata says, and goes to its place; one that no table knows would
 * change what the model computes, so it is refused by name.
 */
#include "engine/model/bind.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/model/shape.h"

#define NAME_MAX_LEN 80

static const char *rule_name(const struct tensor_rule *rule, uint32_t layer, char *buf, size_t size)
{
	if (rule->layered)
		snprintf(buf, size, "blk.%u.%s", (unsigned)layer, rule->name);
	else
		snprintf(buf, size, "%s", rule->name);
	return buf;
}

/* Whether dimension i of the tensor is what the table says, and what it says. */
static bool dim_fits(const struct model *m, enum dim d, uint64_t have)
{
	uint64_t want = shape_dim(m, d);

	if (d == DIM_ANY)
		return true;
	return d == DIM_CONTEXT ? have >= want : have == want;
}

static int tensor_check(const struct model *m, const struct gguf_tensor *t,
			const struct tensor_rule *rule, const char *name, struct ragd_err *err)
{
	uint64_t most = rule->rows == DIM_ANY ? UINT32_MAX : t->dims[1];

	if (!dim_fits(m, rule->cols, t->dims[0]) || !dim_fits(m, rule->rows, t->dims[1]) ||
	    t->dims[0] > UINT32_MAX || t->dims[1] > most || t->dims[2] != 1 || t->dims[3] != 1)
		return ragd_err_set(err, -EINVAL,
				    "tensor '%s' is %" PRIu64 " x %" PRIu64 ", but the metadata of "
				    "the model says %" PRIu64 " x %" PRIu64,
				    name, t->dims[0], t->dims[1] * t->dims[2] * t->dims[3],
				    shape_dim(m, rule->cols), shape_dim(m, rule->rows));
	return 0;
}

static int binding_add(struct bindings *b, const struct binding *one, struct ragd_err *err)
{
	if (!array_reserve(&b->list, &b->cap, b->n + 1, sizeof(*b->list)))
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	b->list[b->n++] = *one;
	return 0;
}

static int rule_bind(struct model *m, const struct tensor_rule *rule, uint32_t layer,
		     struct bindings *out, struct ragd_err *err)
{
	char name[NAME_MAX_LEN];
	uint8_t *base = rule->layered ? (uint8_t *)&m->layers[layer] : (uint8_t *)m;
	const struct gguf_tensor *t;
	int rc;

	t = gguf_tensor(m->gguf, rule_name(rule, layer, name, sizeof(name)));
	if (t == NULL && rule->fallback != NULL)
		t = gguf_tensor(m->gguf, rule->fallback);
	if (t == NULL && rule->optional)
		return 0;
	if (t == NULL)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': tensor '%s' is missing",
				    m->arch->name, name);
	if (rule->use == USE_NONE)
		return 0;
	rc = tensor_check(m, t, rule, name, err);
	return rc < 0 ? rc : binding_add(out, &(struct binding){ t, rule, base + rule->at }, err);
}

/* Whether a table has the tensor, given its name and, if it belongs to a layer, the layer. */
static bool tensor_known(const struct model *m, struct ragd_str name)
{
	char text[NAME_MAX_LEN], *rest = text;
	bool layered = false;

	if (name.len >= sizeof(text))
		return false;
	memcpy(text, name.s, name.len);
	text[name.len] = '\0';
	if (strncmp(text, "blk.", 4) == 0) {
		unsigned long layer = strtoul(text + 4, &rest, 10);

		if (rest == text + 4 || *rest != '.' || layer >= m->shape.n_layers)
			return false;
		rest++;
		layered = true;
	}
	for (size_t i = 0; m->arch->tables[i] != NULL; i++)
		for (const struct tensor_rule *r = m->arch->tables[i]; r->name != NULL; r++)
			if (r->layered == layered && strcmp(r->name, rest) == 0)
				return true;
	return false;
}

static int strangers_refuse(const struct model *m, struct ragd_err *err)
{
	for (size_t i = 0; i < gguf_n_tensors(m->gguf); i++) {
		struct ragd_str name = gguf_tensor_at(m->gguf, i)->name;
		int len = (int)(name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
		char shown[NAME_MAX_LEN + 1];

		if (tensor_known(m, name))
			continue;
		for (int k = 0; k < len; k++)
			shown[k] = (char)(name.s[k] >= ' ' && name.s[k] <= '~' ? name.s[k] : '?');
		shown[len] = '\0';
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': tensor '%s' is not supported",
				    m->arch->name, shown);
	}
	return 0;
}

int bind_tensors(struct model *m, struct bindings *out, struct ragd_err *err)
{
	int rc = strangers_refuse(m, err);

	*out = (struct bindings){ 0 };
	for (size_t i = 0; rc == 0 && m->arch->tables[i] != NULL; i++)
		for (const struct tensor_rule *r = m->arch->tables[i]; rc == 0 && r->name != NULL;
		     r++) {
			uint32_t n = r->layered ? m->shape.n_layers : 1;

			for (uint32_t layer = 0; rc == 0 && layer < n; layer++)
				rc = rule_bind(m, r, layer, out, err);
		}
	if (rc < 0)
		bindings_fini(out);
	return rc;
}

void bindings_fini(struct bindings *b)
{
	free(b->list);
	*b = (struct bindings){ 0 };
}
