/*
 * The index of vectors at size: how long a search takes, how many of the ten nearest it finds that
 * exact floats find, and the memory it takes; added one by one, and mapped from its file.
 *
 *     bench_vectors [NUMBER [PASSAGES QUESTIONS]]
 *
 * The files have a vector in each line, as `ragd-model embed` writes them. Where NUMBER is more
 * than they have, the rest are mixed of two of them, by halves: .9 near to one, and as far from
 * each other as passages are. Without files, vectors are made up of some subjects and noise.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "retrieval/index/dense.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/nearest.h"
#include "retrieval/index/vectors.h"
#include "tests/bench/order.h"
#include "tests/retrieval/calls.h"

#define QUESTIONS 200
#define BEST      10
#define POOL      256 /* what a search of the store asks for */
#define DIM       384 /* of those that are made up */
#define SUBJECTS  20000
#define RUN       256 /* passages of a document */

struct set {
	float *x; /* [n][dim] */
	size_t n;
	uint32_t dim;
};

static uint32_t random_state = 88172645u;

static uint32_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void fail(const char *what)
{
	fprintf(stderr, "bench_vectors: %s\n", what);
	exit(1);
}

static void *room_for(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		fail("out of memory");
	return p;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static void make_unit(float *x, uint32_t dim)
{
	float length = sqrtf(dense_dot(x, x, dim));

	dense_scale(length > 0 ? 1 / length : 0, x, dim);
}

static uint32_t parse_vector(const char *line, float *out, uint32_t max)
{
	uint32_t n = 0;
	char *end;

	for (line++; n < max; line = end + 1) {
		out[n] = strtof(line, &end);
		if (end == line)
			break;
		n++;
		if (*end != ',')
			break;
	}
	return n;
}

static struct set set_read(const char *path)
{
	struct set s = { NULL, 0, 0 };
	FILE *f = fopen(path, "r");
	float row[CODES_DIM_MAX];
	size_t size = 0;
	char *line = NULL;

	if (f == NULL)
		fail("the file cannot be read");
	while (getline(&line, &size, f) > 0) {
		uint32_t dim = parse_vector(line, row, CODES_DIM_MAX);

		if (dim == 0 || (s.dim != 0 && dim != s.dim))
			fail("a line is not a vector like the others");
		s.dim = dim;
		s.x = reallocarray(s.x, s.n + 1, dim * sizeof(*s.x));
		if (s.x == NULL)
			fail("out of memory");
		memcpy(s.x + s.n++ * dim, row, dim * sizeof(*row));
	}
	free(line);
	fclose(f);
	return s;
}

static struct set set_make_up(size_t n)
{
	struct set s = { room_for(n * DIM, sizeof(float)), n, DIM };

	for (size_t i = 0; i < n * DIM; i++)
		s.x[i] = (float)random_bits() / 2147483648.0f - 1;
	for (size_t i = 0; i < n; i++)
		make_unit(s.x + i * DIM, DIM);
	return s;
}

/* The i-th passage. */
static void passage_vector(const struct set *s, size_t i, float *out)
{
	memcpy(out, s->x + i % s->n * s->dim, s->dim * sizeof(*out));
	if (i >= s->n)
		dense_add(0.5f, s->x + random_bits() % s->n * s->dim, out, s->dim);
	make_unit(out, s->dim);
}

/* ---- what is measured ------------------------------------------------------------------------ */

struct bench {
	struct set passages, questions;
	struct catalog catalog;
	struct vectors *vectors;
	struct nearest *exact; /* [questions.n]: by floats */
};

static double resident_mb(void)
{
	unsigned long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &size, &resident) != 2)
		fail("/proc/self/statm");
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void add_document(struct bench *b, uint32_t first, uint32_t n)
{
	static const uint16_t lengths[RUN];
	const uint32_t dim = b->passages.dim;
	struct catalog_document d = { first / RUN + 1, 1, first, n, lengths, 0 };
	uint16_t *f16 = room_for((size_t)n * dim, sizeof(*f16));
	float x[CODES_DIM_MAX];

	for (uint32_t i = 0; i < n; i++) {
		passage_vector(&b->passages, first + i, x);
		for (uint32_t j = 0; j < dim; j++)
			f16[(size_t)i * dim + j] = f16_from_float(x[j]);
		for (size_t q = 0; q < b->questions.n; q++)
			nearest_add(&b->exact[q], first + i,
				    dense_dot(x, b->questions.x + q * dim, dim));
	}
	if (catalog_reserve(&b->catalog, &d, NULL) < 0)
		fail("out of memory");
	catalog_add(&b->catalog, &d);
	vectors_add(b->vectors, &b->catalog, first, n, f16);
	free(f16);
}

static size_t count_found(const struct nearest *exact, const struct near *near, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < exact->n; i++)
		for (size_t j = 0; j < MIN(n, BEST); j++)
			found += exact->hits[i].place == near[j].passage;
	return found;
}

/* Of this thread: what a search takes of a processor that others use, too. */
static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void ask_all(const struct bench *b, const char *what)
{
	struct codes_query *q = room_for(1, codes_query_size(b->questions.dim));
	struct near near[POOL];
	int64_t us[QUESTIONS], cpu[QUESTIONS];
	size_t found = 0, n_q = b->questions.n;

	for (size_t i = 0; i < n_q; i++) {
		ssize_t n;

		us[i] = clock_us();
		cpu[i] = cpu_us();
		codes_query_set(q, b->questions.x + i * b->questions.dim, b->questions.dim);
		n = vectors_search(b->vectors, q, POOL, near, NULL);
		cpu[i] = cpu_us() - cpu[i];
		us[i] = clock_us() - us[i];
		if (n < 0)
			fail("search");
		found += count_found(&b->exact[i], near, (size_t)n);
	}
	qsort(us, n_q, sizeof(*us), order_int64);
	qsort(cpu, n_q, sizeof(*cpu), order_int64);
	printf("%-18s p50 %6.2f ms  p95 %6.2f ms  CPU p50 %6.2f ms  recall@10 %.4f\n", what,
	       (double)us[n_q / 2] / 1e3, (double)us[n_q * 95 / 100] / 1e3,
	       (double)cpu[n_q / 2] / 1e3, (double)found / (double)(n_q * BEST));
	free(q);
}

static void open_again(struct bench *b, const char *dir)
{
	const struct vectors_stamp stamp = { .changes = 1 };
	struct ragd_err err = { 0 };
	int64_t us = clock_us();
	double before;

	if (vectors_save(b->vectors, dir, &stamp, &err) < 0)
		fail(err.msg);
	printf("%-18s %.0f ms\n", "saved in", (double)(clock_us() - us) / 1e3);
	vectors_clear(b->vectors, &b->catalog);
	before = resident_mb();
	us = clock_us();
	if (vectors_load(b->vectors, &b->catalog, dir, &stamp, &err) < 0)
		fail(err.msg);
	printf("%-18s %.1f ms, %.0f MB resident\n", "opened in", (double)(clock_us() - us) / 1e3,
	       resident_mb() - before);
	ask_all(b, "from the file");
	printf("%-18s %.0f MB\n", "resident after that", resident_mb() - before);
}

static void bench_run(struct bench *b, uint32_t n)
{
	char dir[] = "/tmp/bench_vectors.XXXXXX";
	const struct acl acl = { .mode = 0600 };
	double before;

	if (mkdtemp(dir) == NULL || catalog_init(&b->catalog) < 0 ||
	    catalog_add_collection(&b->catalog, 1, "bench", &acl, 0) < 0)
		fail("begin");
	b->vectors = vectors_new(1, b->passages.dim, 0);
	b->exact = room_for(b->questions.n, sizeof(*b->exact));
	for (size_t i = 0; i < b->questions.n; i++)
		b->exact[i] =
			(struct nearest){ room_for(BEST, sizeof(struct nearest_hit)), 0, BEST };
	before = resident_mb();
	for (uint32_t i = 0; i < n; i += RUN)
		add_document(b, i, MIN(n - i, RUN));
	printf("%u vectors of %u, %zu questions\n", n, b->passages.dim, b->questions.n);
	printf("%-18s %.0f MB, the catalog of passages included\n", "resident",
	       resident_mb() - before);
	ask_all(b, "first time");
	ask_all(b, "in memory");
	open_again(b, dir);
	vectors_free(b->vectors);
	catalog_fini(&b->catalog);
	for (size_t i = 0; i < b->questions.n; i++)
		free(b->exact[i].hits);
	free(b->exact);
	test_remove_dir(dir);
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	struct bench b = { .vectors = NULL };

	if (argc == 4) {
		b.passages = set_read(argv[2]);
		b.questions = set_read(argv[3]);
		for (size_t i = 0; i < QUESTIONS && b.questions.n > QUESTIONS; i++)
			memmove(b.questions.x + i * b.questions.dim,
				b.questions.x + i * b.questions.n / QUESTIONS * b.questions.dim,
				b.questions.dim * sizeof(float));
		b.questions.n = MIN(b.questions.n, QUESTIONS);
	} else {
		b.passages = set_make_up(SUBJECTS);
		b.questions = set_make_up(QUESTIONS);
		for (size_t i = 0; i < QUESTIONS; i++)
			dense_add(0.5f, b.passages.x + i * 97 % SUBJECTS * DIM,
				  b.questions.x + i * DIM, DIM);
	}
	if (n < BEST || n > 100000000 || b.questions.n == 0 || b.passages.n == 0 ||
	    b.passages.dim != b.questions.dim)
		fail("needs a number of vectors, and files of vectors of one length");
	bench_run(&b, (uint32_t)n);
	free(b.passages.x);
	free(b.questions.x);
	return 0;
}
