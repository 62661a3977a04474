/*
 * HTML as tags and text, each with its place in the source: the tokenizing half of what a browser
 * does (WHATWG HTML, section 13.2.5), which never fails and never looks back, so it is linear on
 * every input. libxml2's parser was tried for this and is not used: it takes quadratic time where
 * one tag has thousands of attributes, or where thousands of open elements meet as many stray end
 * tags (1.3 s for 200 kB, and a request could bring 32 MB). Its table of entities is.
 */
#ifndef RETRIEVAL_HTML_TOKENS_H
#define RETRIEVAL_HTML_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#define HTML_NAME_MAX 16 /* a longer name is none we know; it is cut */

enum html_token_kind {
	HTML_TEXT,  /* source[start .. end), entities as they are */
	HTML_START, /* <name …> */
	HTML_END,   /* </name> */
	HTML_RAW,   /* what <script>, <style>, <title>, <textarea> … hold, up to their end tag */
};

struct html_token {
	enum html_token_kind kind;
	size_t start;
	size_t end;
	char name[HTML_NAME_MAX]; /* small letters; HTML_RAW: of the element that holds it */
};

struct html_tokens {
	struct ragd_str source;
	size_t at;
	char raw[HTML_NAME_MAX]; /* the element whose content comes next is not markup */
	bool endless_title;      /* a <title> has no end, so none is looked for again */
};

/* Begin at source[at], which must stay. */
void html_tokens_start(struct html_tokens *t, struct ragd_str source, size_t at);
/* The next token; comments, doctypes and the like are passed over. False at the end. */
bool html_tokens_next(struct html_tokens *t, struct html_token *token);

#endif
