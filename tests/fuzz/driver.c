/*
 * Our own main() for the fuzzers, where libFuzzer is not linked: runs LLVMFuzzerTestOneInput over
 * every seed, then over mutations of them for RAGD_FUZZ_SECONDS. An input that crashes or hangs is
 * saved before the process dies. See tests/fuzz/README.md.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/fuzz/fuzz.h"

#define MUTATED_MAX   ((size_t)64 << 10) /* longer seeds are replayed whole, mutated in part */
#define HANG_SECONDS  200                /* for one input, on a busy machine under Valgrind, too */
#define MUTATIONS_MAX 8

/* Sanitizers die without a signal, but call this back first. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct blob {
	uint8_t *data;
	size_t len;
};

struct blobs {
	struct blob *v;
	size_t n;
	size_t cap;
};

/* What the handler of a fatal signal writes; set before each run. */
static const uint8_t *current;
static size_t current_len;
static char crash_path[512];
static uint64_t rng;

static uint64_t rng_next(void) /* xorshift64*, the same on every machine */
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return rng * UINT64_C(2685821657736338717);
}

static size_t rng_below(size_t n)
{
	return n == 0 ? 0 : (size_t)((rng_next() >> 11) % n);
}

/* ---- what is left behind of a crash -------------------------------------------------------- */

static void say(const char *s)
{
	if (write(STDERR_FILENO, s, strlen(s)) < 0)
		return; /* nobody to tell */
}

static void crash_save(void) /* async-signal-safe */
{
	static volatile sig_atomic_t saved;
	size_t off = 0;
	ssize_t n;
	int fd;

	if (saved || current == NULL)
		return;
	saved = 1;
	fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	while (fd >= 0 && off < current_len) {
		n = write(fd, current + off, current_len - off);
		if (n <= 0)
			break;
		off += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	say("fuzz: this input crashes or hangs: ");
	say(fd >= 0 ? crash_path : "(could not be saved)");
	say("\nfuzz: to see it again, run the fuzzer with that file as its argument\n");
}

static void on_fatal(int sig)
{
	crash_save();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_crashes(void)
{
	static const int sigs[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM };
	static char stack[64 << 10]; /* a stack overflow leaves no other to run on */
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK };

	sigaltstack(&ss, NULL);
	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(crash_save);
}

/* ---- seeds and dictionary ------------------------------------------------------------------ */

static void die(const char *what, const char *on)
{
	fprintf(stderr, "fuzz: %s '%s'\n", what, on);
	exit(1);
}

static void blobs_add(struct blobs *b, const void *data, size_t len)
{
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 64 : 2 * b->cap;
		b->v = realloc(b->v, b->cap * sizeof(*b->v));
	}
	if (b->v == NULL || (b->v[b->n].data = malloc(len + 1)) == NULL)
		die("out of memory for", "seeds");
	if (len > 0)
		memcpy(b->v[b->n].data, data, len);
	b->v[b->n].data[len] = '\0';
	b->v[b->n++].len = len;
}

static void blobs_fini(struct blobs *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].data);
	free(b->v);
}

static void seeds_add_file(struct blobs *seeds, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *data = NULL;
	size_t len = 0, cap = 0, n;

	if (f == NULL)
		die("cannot open", path);
	do {
		cap = cap == 0 ? 4096 : 2 * cap;
		data = realloc(data, cap);
		if (data == NULL)
			die("out of memory for", path);
		n = fread(data + len, 1, cap - len, f);
		len += n;
	} while (len == cap);
	if (ferror(f))
		die("cannot read", path);
	fclose(f);
	blobs_add(seeds, data, len);
	free(data);
}

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* A file, or all files of a folder in the order of their names. */
static void seeds_add(struct blobs *seeds, const char *path)
{
	struct dirent **entries;
	struct stat st;
	char *sub;
	int n;

	if (stat(path, &st) < 0)
		die("no such file or folder:", path);
	if (!S_ISDIR(st.st_mode)) {
		seeds_add_file(seeds, path);
		return;
	}
	n = scandir(path, &entries, not_hidden, alphasort);
	if (n < 0)
		die("cannot list", path);
	for (int i = 0; i < n; i++) {
		if (asprintf(&sub, "%s/%s", path, entries[i]->d_name) < 0)
			die("out of memory for", path);
		seeds_add_file(seeds, sub);
		free(sub);
		free(entries[i]);
	}
	free(entries);
}

/* One line of a libFuzzer dictionary: name="token", with \\, \" and \xHH. False: no token. */
static bool dict_token(const char *line, uint8_t *out, size_t *len)
{
	const char *p = line[0] == '#' ? NULL : strchr(line, '"');
	unsigned byte;

	*len = 0;
	if (p == NULL)
		return false;
	for (p++; *p != '\0' && *p != '"'; p++) {
		byte = (unsigned char)*p;
		if (p[0] == '\\' && p[1] == 'x' && sscanf(p + 2, "%2x", &byte) == 1)
			p += 3;
		else if (p[0] == '\\' && p[1] != '\0')
			byte = (unsigned char)*++p;
		out[(*len)++] = (uint8_t)byte;
	}
	return *p == '"' && *len > 0;
}

static void dict_load(struct blobs *dict, const char *path)
{
	FILE *f = fopen(path, "r");
	uint8_t token[1024];
	char line[1024];
	size_t len;

	if (f == NULL) /* a fuzzer without a dictionary */
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (dict_token(line, token, &len))
			blobs_add(dict, token, len);
	fclose(f);
}

/* ---- mutation ------------------------------------------------------------------------------ */

/* Replace data[at .. at + cut) by ins[0 .. add), as far as MUTATED_MAX allows. */
static void blob_splice(struct blob *b, size_t at, size_t cut, const uint8_t *ins, size_t add)
{
	size_t tail = b->len - at - cut;

	add = MIN(add, MUTATED_MAX - (b->len - cut));
	memmove(b->data + at + add, b->data + at + cut, tail);
	if (add > 0)
		memmove(b->data + at, ins, add);
	b->len = at + add + tail;
}

static void mutate_once(struct blob *b, const struct blobs *seeds, const struct blobs *dict)
{
	size_t at = rng_below(b->len + 1);
	size_t most = (size_t)1 << rng_below(12), span = rng_below(MIN(b->len - at, most) + 1);
	const struct blob *other = &seeds->v[rng_below(seeds->n)];
	uint8_t copy[4096];

	switch (rng_below(8)) {
	case 0: /* flip a bit */
		if (at < b->len)
			b->data[at] ^= (uint8_t)(1u << rng_below(8));
		break;
	case 1: /* any byte */
		if (at < b->len)
			b->data[at] = (uint8_t)rng_next();
		break;
	case 2: /* cut a piece out */
		blob_splice(b, at, span, NULL, 0);
		break;
	case 3: /* cut the end off */
		if (rng_below(4) == 0)
			b->len = at;
		break;
	case 4: /* say a piece again, up to 64 times: nesting, long runs */
		memcpy(copy, b->data + at, span);
		for (size_t n = (size_t)1 << rng_below(7); n > 0; n--)
			blob_splice(b, at, 0, copy, span);
		break;
	case 5: /* a piece of another seed */
		if (other->len > 0) {
			size_t from = rng_below(other->len);

			blob_splice(b, at, rng_below(2) ? span : 0, other->data + from,
				    rng_below(other->len - from) + 1);
		}
		break;
	default: /* a word of the format */
		if (dict->n > 0) {
			const struct blob *word = &dict->v[rng_below(dict->n)];

			blob_splice(b, at, rng_below(2) ? MIN(span, word->len) : 0, word->data,
				    word->len);
		}
		break;
	}
}

static void mutate(struct blob *b, const struct blobs *seeds, const struct blobs *dict)
{
	const struct blob *seed = &seeds->v[rng_below(seeds->n)];
	size_t from = seed->len > MUTATED_MAX ? rng_below(seed->len - MUTATED_MAX) : 0;

	b->len = MIN(seed->len, MUTATED_MAX);
	if (b->len > 0)
		memcpy(b->data, seed->data + from, b->len);
	for (size_t n = 1 + rng_below(MUTATIONS_MAX); n > 0; n--)
		mutate_once(b, seeds, dict);
}

/* ---- running ------------------------------------------------------------------------------- */

static void run_one(const uint8_t *data, size_t len)
{
	/* Memory of exactly this length, so that one byte beyond it is seen. */
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		die("out of memory for", "an input");
	if (len > 0)
		memcpy(copy, data, len);
	current = data;
	current_len = len;
	alarm(HANG_SECONDS);
	LLVMFuzzerTestOneInput(copy, len);
	alarm(0);
	current = NULL;
	free(copy);
}

static unsigned long env_number(const char *name, unsigned long dflt)
{
	const char *s = getenv(name);
	char *end;
	unsigned long n;

	if (s == NULL || *s == '\0')
		return dflt;
	n = strtoul(s, &end, 10);
	if (*end != '\0')
		die("not a number in an environment variable:", s);
	return n;
}

/* "tests/fuzz/fuzz_http" to "http"; libtool may have put "lt-" before it. */
static const char *fuzzer_name(const char *argv0)
{
	const char *p = strrchr(argv0, '/');

	p = p != NULL ? p + 1 : argv0;
	if (strncmp(p, "lt-", 3) == 0)
		p += 3;
	return strncmp(p, "fuzz_", 5) == 0 ? p + 5 : p;
}

static void fuzz(const char *name, const struct blobs *seeds, const struct blobs *dict)
{
	unsigned long seconds = env_number("RAGD_FUZZ_SECONDS", 3);
	unsigned long seed = env_number("RAGD_FUZZ_SEED", 1);
	struct blob b = { malloc(MUTATED_MAX), 0 };
	int64_t start = clock_ms(), now;
	size_t runs = 0;

	if (b.data == NULL)
		die("out of memory for", name);
	rng = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (;;) {
		now = clock_ms();
		if (now - start >= (int64_t)seconds * 1000)
			break;
		mutate(&b, seeds, dict);
		run_one(b.data, b.len);
		runs++;
	}
	printf("fuzz %s: %zu seeds, %zu words, RAGD_FUZZ_SEED=%lu: %zu runs in %lu s, %zu a "
	       "second\n",
	       name, seeds->n, dict->n, seed, runs, seconds, seconds > 0 ? runs / seconds : 0);
	free(b.data);
}

int main(int argc, char **argv)
{
	const char *name = fuzzer_name(argv[0]);
	const char *src = getenv("RAGD_SRCDIR");
	struct blobs seeds = { 0 }, dict = { 0 };
	char path[512];

	snprintf(crash_path, sizeof(crash_path), "fuzz-%s.crash", name);
	if (src == NULL)
		src = ".";
	for (int i = 1; i < argc; i++)
		seeds_add(&seeds, argv[i]);
	if (argc == 1) {
		snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%s", src, name);
		seeds_add(&seeds, path);
	}
	snprintf(path, sizeof(path), "%s/tests/fuzz/%s.dict", src, name);
	dict_load(&dict, path);
	if (seeds.n == 0)
		die("no seeds for", name);

	catch_crashes();
	for (size_t i = 0; i < seeds.n; i++)
		run_one(seeds.v[i].data, seeds.v[i].len);
	if (argc == 1)
		fuzz(name, &seeds, &dict);
	else
		printf("fuzz %s: %zu inputs replayed\n", name, seeds.n);
	blobs_fini(&seeds);
	blobs_fini(&dict);
	return 0;
}
