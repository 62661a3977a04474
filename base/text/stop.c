#include "base/text/stop.h"

#include <string.h>

#include "base/util.h"

/* Sorted by bytes: it is searched by halves. */
/* clang-format off */
static const char *const stop_words[] = {
	"a", "about", "above", "after", "again", "against", "all", "also", "am", "an", "and",
	"any", "are", "aren't", "as", "at", "be", "because", "been", "before", "being", "below",
	"between", "both", "but", "by", "can", "can't", "cannot", "could", "couldn't", "did",
	"didn't", "do", "does", "doesn't", "doing", "don't", "down", "during", "each", "few",
	"for", "from", "further", "had", "hadn't", "has", "hasn't", "have", "haven't", "having",
	"he", "he'd", "he'll", "he's", "her", "here", "here's", "hers", "herself", "him",
	"himself", "his", "how", "how's", "i", "i'd", "i'll", "i'm", "i've", "if", "in", "into",
	"is", "isn't", "it", "it's", "its", "itself", "just", "let's", "may", "me", "might",
	"more", "most", "must", "mustn't", "my", "myself", "no", "nor", "not", "of", "off", "on",
	"once", "only", "or", "other", "ought", "our", "ours", "ourselves", "out", "over", "own",
	"per", "s", "same", "shall", "shan't", "she", "she'd", "she'll", "she's", "should",
	"shouldn't", "so", "some", "such", "t", "than", "that", "that's", "the", "their",
	"theirs", "them", "themselves", "then", "there", "there's", "these", "they", "they'd",
	"they'll", "they're", "they've", "this", "those", "through", "to", "too", "under",
	"until", "up", "upon", "us", "very", "via", "was", "wasn't", "we", "we'd", "we'll",
	"we're", "we've", "were", "weren't", "what", "what's", "when", "when's", "where",
	"where's", "which", "while", "who", "who's", "whom", "whose", "why", "why's", "will",
	"with", "won't", "would", "wouldn't", "you", "you'd", "you'll", "you're", "you've",
	"your", "yours", "yourself", "yourselves",
};
/* clang-format on */

bool stop_is(const char *fold, size_t n)
{
	size_t lo = 0, hi = ARRAY_LEN(stop_words);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int cmp = strncmp(stop_words[mid], fold, n);

		if (cmp == 0 && stop_words[mid][n] == '\0')
			return true;
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}
