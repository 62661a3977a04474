/*
 * Writing a GGUF file, version 3: metadata and the list of tensors first, then their bytes in
 * order. The file grows next to the one it replaces and takes its place, complete and on disk, at
 * the end; whatever goes wrong before leaves nothing behind.
 */
#ifndef ENGINE_GGUF_WRITE_H
#define ENGINE_GGUF_WRITE_H

#include "engine/gguf/gguf.h"

struct gguf_writer;

/* NULL when out of memory. Later shortages are remembered and told by gguf_writer_begin(). */
struct gguf_writer *gguf_writer_new(void);
/* Gives an unfinished file up. */
void gguf_writer_free(struct gguf_writer *w);

/* Metadata; keys must not repeat. */
void gguf_writer_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_writer_f32(struct gguf_writer *w, const char *key, float v);
void gguf_writer_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_writer_str(struct gguf_writer *w, const char *key, struct ragd_str v);
/* Entry i of another file, as it is. */
void gguf_writer_entry(struct gguf_writer *w, const struct gguf *g, size_t i);

/* A tensor whose bytes come later, in this order. dims as in struct gguf_tensor. */
void gguf_writer_tensor(struct gguf_writer *w, struct ragd_str name, enum quant_type type,
			uint32_t n_dims, const uint64_t *dims);

/* Bytes that the file will have. */
uint64_t gguf_writer_size(const struct gguf_writer *w);

/*
 * Open the file and write all of the above. -ENOSPC before anything is written where the disk
 * cannot take it (and the file system can tell).
 */
int gguf_writer_begin(struct gguf_writer *w, const char *path, struct ragd_err *err);
/* The next len bytes of tensors; pieces need not end where tensors do. -EINVAL beyond the last. */
int gguf_writer_data(struct gguf_writer *w, const void *data, size_t len, struct ragd_err *err);
/* The next tensor, as it is in another file. */
int gguf_writer_copy(struct gguf_writer *w, const struct gguf *g, const struct gguf_tensor *t,
		     struct ragd_err *err);
/* Make it the file of that name. -EINVAL if bytes are missing. */
int gguf_writer_end(struct gguf_writer *w, struct ragd_err *err);

#endif
