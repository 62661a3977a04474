/*
 * How fast documents become passages, in MB/s on one core, beside the bar that each kind must pass.
 * Usage: bench_formats [FILE...]: of these files; without, of samples repeated to 8 MB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/util.h"
#include "retrieval/formats/format.h"
#include "retrieval/passages/chunk.h"

#define SAMPLE_BYTES ((size_t)8 << 20)
#define REPEATS      3

static const struct {
	const char *id;
	double bar; /* MB/s, read and cut */
	const char *sample;
} kinds[] = {
	{ "a.txt", 50,
	  "The thread pool is global and shared across all event loops. Its default size is 4, "
	  "but\n"
	  "it can be changed at start by setting a variable. More threads usually mean more\n"
	  "throughput, e.g. for files, but a higher memory footprint.\n\n" },
	{ "a.md", 50,
	  "## Thread pool\n\nThe *thread pool* is global and shared; see [the guide](guide.md).\n"
	  "Its default size is `4`, but it can be changed by setting `UV_THREADPOOL_SIZE`.\n\n"
	  "- one item\n- another item, which is\n  longer\n\n```c\nint rc = uv_queue_work(loop, "
	  "&req, cb);\n"
	  "```\n\n| option | default |\n|--------|---------|\n| size   | 4       |\n\n" },
	{ "a.rst", 50,
	  "Thread pool\n-----------\n\nThe thread pool is global; see :ref:`guide`. Its default "
	  "size is 4.\n\n"
	  ".. c:function:: int uv_queue_work(uv_loop_t* loop)\n\n    Initializes a work request "
	  "which will\n"
	  "    run the given `work_cb` in a thread from the pool.\n\n" },
	{ "a.html", 15,
	  "<h2 id=\"pool\">Thread pool</h2>\n<p>The <b>thread pool</b> is global and shared "
	  "&mdash; see <a\n"
	  "href=\"guide.html\" class=\"link\">the guide</a>. Its default size "
	  "is&nbsp;4.</p>\n<ul>\n<li>one\n"
	  "<li>another\n</ul>\n<table><tr><td>size<td>4</table>\n<script>var a = "
	  "\"<p>\";</script>\n" },
	{ "a.3", 15,
	  ".SH THREAD POOL\nThe \\fBthread pool\\fP is global and shared; see\n.BR guide "
	  "(3).\n.PP\nIts default "
	  "size is 4.\n.IP \"size\" 4\nhow many\n.nf\nint rc \\- 1;\n.fi\n" },
};

static void bench(const char *id, struct ragd_str content, double bar)
{
	struct format_input in = { .id = { id, strlen(id) }, .content = content };
	size_t limit = FORMAT_ARENA_BYTES(content.len) + CHUNK_ARENA_BYTES(content.len);
	double read = 0, cut = 0, mb = (double)content.len / 1e6;
	struct format_document d;
	struct ragd_err err = { 0 };
	struct chunk *chunks;
	struct arena *a;
	ssize_t n = 0;
	int64_t t[3];

	for (int i = 0; i < REPEATS; i++) { /* the best counts */
		a = arena_new(limit);
		t[0] = clock_us();
		if (a == NULL || format_read(a, &in, &d, &err) < 0) {
			printf("%-24.24s refused: %s\n", id, err.msg);
			arena_free(a);
			return;
		}
		t[1] = clock_us();
		n = chunk_document(a, &d, NULL, &chunks, &err);
		t[2] = clock_us();
		arena_free(a);
		read = MAX(read, mb / MAX((double)(t[1] - t[0]) / 1e6, 1e-9));
		cut = MAX(cut, mb / MAX((double)(t[2] - t[1]) / 1e6, 1e-9));
	}
	printf("%-24.24s %8.2f MB  read %7.0f MB/s  cut %7.0f MB/s  both %7.0f MB/s", id, mb, read,
	       cut, 1 / (1 / read + 1 / cut));
	if (bar > 0)
		printf("  = %.1f times the bar of %.0f", 1 / (1 / read + 1 / cut) / bar, bar);
	printf("  %zd passages\n", n);
}

static int bench_file(const char *path)
{
	struct buf b = BUF_INIT;
	char part[65536];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	bench(path, buf_str(&b), 0);
	buf_fini(&b);
	return 0;
}

int main(int argc, char **argv)
{
	struct buf b = BUF_INIT;
	int rc = 0;

	for (int i = 1; i < argc; i++)
		rc |= bench_file(argv[i]);
	for (size_t i = 0; i < ARRAY_LEN(kinds) && argc == 1; i++) {
		buf_clear(&b);
		while (b.len < SAMPLE_BYTES)
			buf_adds(&b, kinds[i].sample);
		bench(kinds[i].id, buf_str(&b), kinds[i].bar);
	}
	buf_fini(&b);
	return rc;
}
