/* Weights from one type to another: which type each tensor gets, and the repacking of its rows. */
#ifndef MODEL_REQUANT_H
#define MODEL_REQUANT_H

#include "engine/gguf/gguf.h"
#include "engine/gguf/write.h"
#include "engine/threads/threads.h"

/* Why a tensor does not get the type that was asked for. */
enum requant_why {
	REQUANT_ASKED, /* it does */
	REQUANT_VECTOR,
	REQUANT_SMALL_TABLE, /* positions, token types: looked up, not multiplied */
	REQUANT_OUTPUT,      /* the last matrix decides every token */
	REQUANT_ROWS,        /* are no whole blocks */
	N_REQUANT_WHYS,
};

/*
 * The type for t where `want` was asked for. Vectors stay F32; the output matrix (`output`) becomes
 * Q8_0 where less was asked for; rows that are no whole blocks of it get the smallest type that
 * they fit.
 */
enum quant_type requant_type(const struct gguf_tensor *t, enum quant_type want, bool output,
			     enum requant_why *why);

/* Repack t and hand its bytes to the writer, a few MiB at a time. */
int requant_tensor(const struct gguf *g, const struct gguf_tensor *t, enum quant_type type,
		   struct threads *threads, struct gguf_writer *w, struct ragd_err *err);

#endif
