/*
 * GGUF files, versions 2 and 3 (github.com/ggml-org/ggml, docs/gguf.md): metadata and tensors of a
 * model. The file is taken for hostile: every length, offset, count and type is checked against the
 * file's size before it is used, and what is allocated is bounded by a small multiple of the bytes
 * that the file really has. Nothing is mapped: metadata is read into memory when the file is
 * opened, tensors when they are asked for, so that whoever cuts the file short or writes over it
 * meanwhile causes an error and nothing else. A model in several files ("name-00001-of-00003.gguf")
 * is opened by its first.
 */
#ifndef ENGINE_GGUF_GGUF_H
#define ENGINE_GGUF_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>
#include <ragd/plugin.h>

#include "engine/quant/types.h"

/* Types of metadata values, with the numbers of the file. */
enum gguf_type {
	GGUF_U8,
	GGUF_I8,
	GGUF_U16,
	GGUF_I16,
	GGUF_U32,
	GGUF_I32,
	GGUF_F32,
	GGUF_BOOL,
	GGUF_STRING,
	GGUF_ARRAY,
	GGUF_U64,
	GGUF_I64,
	GGUF_F64,
};

#define GGUF_DIMS_MAX 4

/* A tensor, checked to lie in the file. dims[0] runs fastest: a matrix that maps x to y has dims
 * { columns = length of x, rows = length of y }. */
struct gguf_tensor {
	struct ragd_str name;
	enum quant_type type;
	uint32_t n_dims;
	uint64_t dims[GGUF_DIMS_MAX]; /* 1 beyond n_dims; none is 0; dims[0] is whole blocks */
	size_t n_bytes;
	uint32_t part; /* which file of several */
	uint64_t at;   /* where in it */
};

struct gguf;

/*
 * Open the model in `path`. -ENOENT, -EACCES …; -EINVAL where it is no GGUF or breaks the format;
 * -ENOTSUP for a version or a tensor type that is not known (named in the sentence). It stays open,
 * whatever is put in its place, until gguf_close().
 */
int gguf_open(const char *path, struct gguf **out, struct ragd_err *err);
/* The same from memory, which must outlive it: for tests and fuzzers. No split files. */
int gguf_read(const void *data, size_t len, struct gguf **out, struct ragd_err *err);
void gguf_close(struct gguf *g);

/* Bytes of all files. */
size_t gguf_size(const struct gguf *g);
uint32_t gguf_version(const struct gguf *g);

/*
 * Metadata by key. Each returns false if the key is missing or holds another type; whole numbers
 * convert between their types where the value fits, floats between f32 and f64. Texts live as long
 * as the file is open and may hold any bytes.
 */
bool gguf_u32(const struct gguf *g, const char *key, uint32_t *out);
bool gguf_u64(const struct gguf *g, const char *key, uint64_t *out);
bool gguf_bool(const struct gguf *g, const char *key, bool *out);
bool gguf_str(const struct gguf *g, const char *key, struct ragd_str *out);
/* The keys of the file's own architecture: "block_count" stands for "llama.block_count". */
bool gguf_arch_u32(const struct gguf *g, const char *suffix, uint32_t *out);
bool gguf_arch_f32(const struct gguf *g, const char *suffix, float *out);
bool gguf_arch_str(const struct gguf *g, const char *suffix, struct ragd_str *out);

/* An array of scalars as the file has them (not aligned: read with memcpy) or of texts. */
struct gguf_array {
	enum gguf_type type; /* of the elements */
	uint64_t n;
	const uint8_t *data;            /* scalars: n elements, little endian; else NULL */
	const struct ragd_str *strings; /* GGUF_STRING: n of them; else NULL */
};
bool gguf_array(const struct gguf *g, const char *key, struct gguf_array *out);
/* Element i of an array of scalars as a number; 0 beyond the end. */
int64_t gguf_array_int(const struct gguf_array *a, uint64_t i);
float gguf_array_float(const struct gguf_array *a, uint64_t i);

/* Metadata in the order of the file. */
struct gguf_entry {
	struct ragd_str key;
	enum gguf_type type;
	struct gguf_array array; /* GGUF_ARRAY */
	struct ragd_str text;    /* GGUF_STRING */
	double number;           /* the rest; booleans 0 or 1 */
};
size_t gguf_n_entries(const struct gguf *g);
void gguf_entry(const struct gguf *g, size_t i, struct gguf_entry *out);

size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i);
/* By name; NULL if there is none. */
const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name);

/*
 * Bytes [from, from + len) of a tensor, from the file that was opened. -EINVAL beyond its end, and
 * where the file has become shorter.
 */
int gguf_tensor_read(const struct gguf *g, const struct gguf_tensor *t, size_t from, void *out,
		     size_t len, struct ragd_err *err);
/*
 * Whether the files are still as they were when they were opened, by size and time of change: so
 * what was read of them belongs together. -ESTALE: not so.
 */
int gguf_unchanged(const struct gguf *g, struct ragd_err *err);
/*
 * 0 if only root and this user may write to the files that were opened; else -EPERM, and who else
 * may.
 */
int gguf_private(const struct gguf *g, struct ragd_err *err);

#endif
