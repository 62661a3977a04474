#include "clients/rag/terminal/progress.h"

#include <time.h>
#include <unistd.h>

#define BAR_COLUMNS 24

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void progress_bytes(char *out, size_t size, double n)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned u = 0;

	while (n >= 1024 && u < 4) {
		n /= 1024;
		u++;
	}
	snprintf(out, size, u == 0 ? "%.0f %s" : "%.1f %s", n, units[u]);
}

void progress_line(char *out, size_t size, uint64_t done, uint64_t total, int64_t elapsed_us)
{
	double rate = elapsed_us > 0 ? (double)done * 1e6 / (double)elapsed_us : 0;
	double part = total > 0 ? (double)done / (double)total : 0;
	char amount[24], speed[24], bar[BAR_COLUMNS + 1];
	long left;

	progress_bytes(amount, sizeof(amount), (double)done);
	progress_bytes(speed, sizeof(speed), rate);
	if (total == 0) {
		snprintf(out, size, "  %s  %s/s", amount, speed);
		return;
	}
	part = part > 1 ? 1 : part;
	for (unsigned i = 0; i < BAR_COLUMNS; i++)
		bar[i] = i < (unsigned)(part * BAR_COLUMNS) ? '#' : ' ';
	bar[BAR_COLUMNS] = '\0';
	left = rate > 0 && done < total ? (long)((double)(total - done) / rate + 0.5) : 0;
	snprintf(out, size, "  [%s] %3.0f%%  %s  %s/s  %ld:%02ld left", bar, part * 100, amount,
		 speed, left / 60, left % 60);
}

void progress_init(struct progress *p, FILE *f, bool shown, uint64_t total)
{
	*p = (struct progress){ .f = f, .total = total, .began_us = now_us() };
	p->shown = shown && isatty(fileno(f)) == 1;
}

void progress_add(struct progress *p, uint64_t n)
{
	int64_t now;
	char line[120];

	p->done += n;
	if (!p->shown)
		return;
	now = now_us();
	if (now - p->drawn_us < 100000)
		return;
	p->drawn_us = now;
	progress_line(line, sizeof(line), p->done, p->total, now - p->began_us);
	fprintf(p->f, "\r\033[K%s", line);
	fflush(p->f);
}

void progress_clear(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", p->f);
	fflush(p->f);
	p->drawn_us = 0;
}
