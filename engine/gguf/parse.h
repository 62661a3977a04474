/*
 * Inside engine/gguf: what an open model is made of, and the parser of one file. Nothing here is
 * for other folders.
 */
#ifndef ENGINE_GGUF_PARSE_H
#define ENGINE_GGUF_PARSE_H

#include <sys/stat.h>

#include "engine/gguf/gguf.h"
#include "engine/gguf/index.h"

/* One pair of the metadata. */
struct gguf_pair {
	struct ragd_str key;
	enum gguf_type type;
	union {
		uint64_t whole; /* unsigned types and booleans; signed ones as two's complement */
		double real;
		struct ragd_str text;
		struct gguf_array array; /* strings are owned */
	};
};

/* One file, or a model in memory. */
struct gguf_part {
	char *path; /* NULL: in memory */
	int fd;
	uint8_t *head;       /* the file's beginning, with all metadata in it; owned */
	const uint8_t *data; /* in memory: all of it */
	uint64_t len;
	struct stat st; /* as it was opened */
};

/* Bytes [at, at + len) of the part; -EINVAL where it has become shorter. */
int gguf_part_read(const struct gguf_part *p, uint64_t at, void *out, size_t len,
		   struct ragd_err *err);

struct gguf {
	uint32_t version;
	struct gguf_part *parts;
	size_t n_parts;
	struct gguf_pair *pairs; /* of the first part */
	size_t n_pairs;
	struct gguf_tensor *tensors;
	size_t n_tensors;
	struct gguf_index by_key, by_name;
};

/* What a parse of one file gives; owned by the caller even after an error. */
struct gguf_parsed {
	uint32_t version;
	struct gguf_pair *pairs;
	size_t n_pairs;
	struct gguf_tensor *tensors;
	size_t n_tensors;
};

/*
 * Parse the beginning data[0..len) of a file of `size` bytes; `name` is for sentences. Tensors are
 * in bounds, apart from each other and at the alignment; keys and names may still occur twice.
 * -EAGAIN, without a sentence: what is there is not all of the metadata.
 */
int gguf_parse(const uint8_t *data, size_t len, uint64_t size, const char *name,
	       struct gguf_parsed *out, struct ragd_err *err);
void gguf_parsed_fini(struct gguf_parsed *p);

/* The order of keys and names: -1, 0, 1 by bytes, then length. */
int gguf_str_cmp(struct ragd_str a, struct ragd_str b);
/* A text of the file for a sentence: printable ASCII, cut where `size` ends. Returns buf. */
const char *gguf_show(struct ragd_str s, char *buf, size_t size);

#define GGUF_SHOW_MAX 80

/* Bytes of a scalar; 0 for texts, arrays and numbers that are no type. */
size_t gguf_scalar_bytes(uint32_t type);

/* The alignment of tensors that the metadata asks for: 32 where it is silent. */
#define GGUF_ALIGNMENT     32
#define GGUF_ALIGNMENT_MAX ((uint64_t)1 << 20)

#endif
