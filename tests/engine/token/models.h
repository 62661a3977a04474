/* Real models and vocabularies, where ../shared/models is there. */
#ifndef TESTS_ENGINE_TOKEN_MODELS_H
#define TESTS_ENGINE_TOKEN_MODELS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/gguf/gguf.h"
#include "engine/token/vocab.h"
#include "tests/test.h"

static char models_dir[4096];

/* Of a file below the folder; until the next call. */
static inline const char *models_path(const char *name)
{
	static char path[sizeof(models_dir) + 256];

	snprintf(path, sizeof(path), "%s/%s", models_dir, name);
	return path;
}

/* Before the others: whether what the test needs of the folder is there; it says what is not. */
static inline bool models_find(const char *name)
{
	const char *src = getenv("RAGD_SRCDIR");

	snprintf(models_dir, sizeof(models_dir), "%s/../shared/models", src != NULL ? src : ".");
	if (access(models_dir, R_OK) < 0)
		snprintf(models_dir, sizeof(models_dir), "../shared/models");
	if (access(models_path(name), R_OK) == 0)
		return true;
	printf("no %s: nothing real was tried\n", models_path(name));
	return false;
}

/* Fails the test where it does not open. */
static inline struct vocab *models_vocab(const char *name)
{
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;
	struct gguf *g = NULL;

	if (gguf_open(models_path(name), &g, &err) < 0 || vocab_open(g, &v, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	gguf_close(g);
	return v;
}

/* llama.cpp's vocabulary of that name. */
static inline struct vocab *models_tokenizer(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "tokenizers/ggml-vocab-%s.gguf", name);
	return models_vocab(file);
}

#endif
