/*
 * What the decoders of codec.h share: a bounded parse, and the checked members of an object.
 * Getters return 0, also if the member is absent or null, which leaves *out as it was; if it is not
 * valid, a negative errno with *err filled. `param` is the member's name as the client knows it.
 */
#ifndef IPC_CODEC_JSON_H
#define IPC_CODEC_JSON_H

#include <jansson.h>

#include "ipc/codec/codec.h"

/* Fill *err; -EINVAL, or -ENOMEM for codec_no_memory(). param may be NULL. */
int codec_fail(struct codec_err *err, const char *code, const char *param, const char *fmt, ...)
	RAGD_PRINTF(4, 5);
int codec_no_memory(struct codec_err *err);

/* The object in text, within the bounds of codec.h; the caller decrefs it. */
int codec_parse(struct ragd_str text, json_t **out, struct codec_err *err);

/* The member; NULL if it is absent or null. */
json_t *codec_member(const json_t *object, const char *name);

int codec_bool(const json_t *v, const char *param, bool *out, struct codec_err *err);
/* A whole number in min .. max; *has is set if it is there. */
int codec_int(const json_t *v, const char *param, json_int_t min, json_int_t max, json_int_t *out,
	      bool *has, struct codec_err *err);
int codec_number(const json_t *v, const char *param, double min, double max, float *out, bool *has,
		 struct codec_err *err);
/* A text of min .. max bytes, copied. */
int codec_text(struct arena *a, const json_t *v, const char *param, size_t min, size_t max,
	       struct ragd_str *out, struct codec_err *err);
/* The same as a C string. */
int codec_name(struct arena *a, const json_t *v, const char *param, size_t max, const char **out,
	       struct codec_err *err);
/* One text or an array of up to n_max of them, each of min .. max bytes. */
int codec_texts(struct arena *a, const json_t *v, const char *param, bool single, size_t n_max,
		size_t min, size_t max, const struct ragd_str **out, size_t *n,
		struct codec_err *err);
/* An array of collections' names. */
int codec_collection_names(struct arena *a, const json_t *v, const char *param,
			   const char *const **out, size_t *n, struct codec_err *err);

/* Nothing but white space, of any script. */
bool codec_blank(struct ragd_str s);

#endif
