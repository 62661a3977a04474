/* Real models and vocabularies: of ../shared/models where that is there, and of this folder. */
#ifndef TESTS_ENGINE_TOKEN_MODELS_H
#define TESTS_ENGINE_TOKEN_MODELS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
static inline struct vocab *vocab_at(const char *path)
{
	struct ragd_err err = { 0 };
	struct vocab *v = NULL;
	struct gguf *g = NULL;

	if (gguf_open(path, &g, &err) < 0 || vocab_open(g, &v, &err) < 0)
		fail_msg("%s: %s", path, err.msg);
	gguf_close(g);
	return v;
}

static inline struct vocab *models_vocab(const char *name)
{
	return vocab_at(models_path(name));
}

/* A file of the folder unigram, which is always there; until the next call. */
static inline const char *unigram_path(const char *name)
{
	const char *src = getenv("RAGD_SRCDIR");
	static char path[4096];

	snprintf(path, sizeof(path), "%s/tests/engine/token/unigram/%s", src != NULL ? src : ".",
		 name);
	return path;
}

/* llama.cpp's vocabulary of that name, or the one of the folder unigram. */
static inline struct vocab *models_tokenizer(const char *name)
{
	char file[128];

	if (strcmp(name, "unigram") == 0)
		return vocab_at(unigram_path("vocab.gguf"));
	snprintf(file, sizeof(file), "tokenizers/ggml-vocab-%s.gguf", name);
	return models_vocab(file);
}

#endif
