/*
 * Part of <ragd/plugin.h>: texts, options, and what every call is passed.
 */
#ifndef RAGD_PLUGIN_TYPES_H
#define RAGD_PLUGIN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <ragd/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members and their comments stand in columns. */
/* clang-format off */

/* A run of bytes, not NUL-terminated. { NULL, 0 } is the empty text. */
struct ragd_str {
	const char *s;
	size_t      len;
};

#define RAGD_STR(literal) ((struct ragd_str){ (literal), sizeof(literal) - 1 })

/*
 * Copy *from, of `size` bytes, to *out, but no further than *out reaches. Both begin with their
 * size; the host has set that of *out, and it stays.
 */
static inline void ragd_fill(void *out, const void *from, size_t size)
{
	uint32_t room;

	memcpy(&room, out, sizeof(room));
	if (room < size)
		size = room;
	if (size > sizeof(room))
		memcpy((char *)out + sizeof(room), (const char *)from + sizeof(room),
		       size - sizeof(room));
}

/*
 * RAGD_FILL(out, .action = RAGD_BLOCK, .message = RAGD_STR("No.")); members not named become zero.
 */
#define RAGD_FILL(out, ...)                                                                        \
	ragd_fill((out), &(const __typeof__(*(out))){ __VA_ARGS__ }, sizeof(*(out)))

/* Does the struct at p, which the other side provides, reach as far as this member? */
#define RAGD_HAS(p, member)                                                                        \
	((p)->size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member))

/* ---- options ------------------------------------------------------------------------------ */

/*
 * RAGD_OPT_PATH: relative paths start from the configuration file's folder. When the file, or a
 * file in the folder, has changed, a reload opens the plugin again.
 */
enum ragd_option_type { /*  in the configuration file               ragd_value.   */
	RAGD_OPT_BOOL,     /* yes | no                                b                */
	RAGD_OPT_INT,      /* a whole number                          i                */
	RAGD_OPT_FLOAT,    /* a number                                f                */
	RAGD_OPT_SIZE,     /* bytes; units KiB, MiB, GiB, TiB         i                */
	RAGD_OPT_DURATION, /* milliseconds; units ms, s, min, h, d    i                */
	RAGD_OPT_STRING,   /* any text                                s                */
	RAGD_OPT_PATH,     /* a file, or a folder of files; see above s, absolute      */
	RAGD_OPT_CHOICE,   /* one word of `choices`                   s                */
	RAGD_OPT_LIST,     /* { "a", "b" }                            list, NULL-ended */
	RAGD_OPT_PLUGIN,   /* the name of another plugin, or ""       s                */
};

/* One row feeds the parser, the defaults, `rag plugins` and the manual page. */
struct ragd_option {
	const char           *name;    /* NULL ends the table */
	enum ragd_option_type type;
	const char           *dflt;    /* as written in the file; lists: separated by commas */
	double                min;     /* numbers only; min == max: no bound */
	double                max;
	const char           *choices; /* RAGD_OPT_CHOICE: words separated by '|' */
	const char           *help;    /* one sentence */
	/*
	 * May every user see its value? false: administrators only. Use false for anything that
	 * names files, hosts, people or the thing that is being guarded.
	 */
	bool                  everyone;
};

struct ragd_value {
	const char *name;
	union {
		bool               b;
		int64_t            i;
		double             f;
		const char        *s;    /* never NULL; "" when unset */
		const char *const *list; /* never NULL */
	};
};

/*
 * One value for each row of the plugin's table, in the same order; lives as long as the instance.
 */
struct ragd_config {
	size_t                   n;
	const struct ragd_value *values;
};

/* The value of an option of the plugin's own table; NULL for a name that is not in it. */
static inline const struct ragd_value *ragd_config_get(const struct ragd_config *cfg,
						       const char *name)
{
	for (size_t i = 0; i < cfg->n; i++)
		if (strcmp(cfg->values[i].name, name) == 0)
			return &cfg->values[i];
	return NULL;
}

/* ---- the caller, and what every call is passed ----------------------------------------------- */

/* What the kernel says about the client (SO_PEERCRED, SO_PEERGROUPS). */
struct ragd_caller {
	uint32_t     size;
	uid_t        uid;
	gid_t        gid;
	const gid_t *groups; /* supplementary */
	size_t       n_groups;
	bool         admin; /* root or the daemon's own user */
};

struct ragd_call {
	uint32_t                  size;
	const struct ragd_caller *caller;
	const char               *request_id;  /* for logs; [A-Za-z0-9_-] */
	int64_t                   deadline_ms; /* CLOCK_MONOTONIC; 0: none */
	/*
	 * Zeroed memory for results; NULL if n * size overflows or the request's budget is spent.
	 */
	void *(*alloc)(const struct ragd_call *call, size_t n, size_t size);
	/* True once nobody is waiting for the answer any longer: stop and return -ECANCELED. */
	bool (*cancelled)(const struct ragd_call *call);
};

/* What retrieval found and inspection kept. Prompts and citations number passages from 1. */
struct ragd_passage {
	struct ragd_str title;   /* of the document */
	struct ragd_str heading; /* "Chapter > Section"; may be empty */
	struct ragd_str text;
	float           score; /* higher is better */
};

/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
