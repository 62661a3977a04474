#include <string.h>

#include "safety/links/links_private.h"
#include "safety/links/url.h"

static void evidence_collect(struct links *l, struct ragd_str text)
{
	struct links reader = { .scan = l->scan,
				.known = l->known,
				.collects = true,
				.read = true,
				.line = true,
				.before = '\n',
				.code.lost = true };
	struct links_at at = { .v = { text.len > 0 ? text.s : "", text.len, true } };

	l->scan(&reader, &at);
	l->known = reader.known;
	l->failed = l->failed || reader.failed;
}

bool links_is_known(struct links *l, const char *s, size_t len)
{
	if (!l->read) {
		l->read = true;
		for (size_t i = 0; i < l->screen.n_passages; i++) {
			evidence_collect(l, l->screen.passages[i].title);
			evidence_collect(l, l->screen.passages[i].heading);
			evidence_collect(l, l->screen.passages[i].text);
		}
		evidence_collect(l, l->screen.question);
	}
	return known_has(&l->known, s, len);
}

bool links_may_leave(struct links *l, const char *s, size_t len)
{
	struct buf norm = BUF_INIT;
	bool ok = l->collects;

	url_normalise(s, len, &norm);
	if (l->collects && norm.len > 0)
		known_add(&l->known, norm.data, norm.len);
	else if (norm.len > 0 && memchr(s, '`', len) == NULL)
		ok = url_on_host(norm.data, norm.len, l->hosts) ||
		     links_is_known(l, norm.data, norm.len);
	l->failed = l->failed || buf_failed(&norm);
	buf_fini(&norm);
	return ok;
}
