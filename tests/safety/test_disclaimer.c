/*
 * Which sentences leave a grounded answer without a passage: those that only say that nothing
 * answers, as models of different families write them, and none that say more.
 */
#include <string.h>

#include "base/util.h"
#include "safety/grounding/ground.h"
#include "tests/safety/claim_english.h"
#include "tests/test.h"

#define POOL "How large is the thread pool?"

static struct stop_check stop; /* that nobody stops */

struct disclaimer_row {
	const char *question, *sentence;
};

static const struct disclaimer_row disclaimers[] = {
	{ POOL, "I don't know." },
	{ POOL, "I do not know the answer to this question." },
	{ POOL, "I don\xe2\x80\x99t know how large the thread pool is." },
	{ POOL, "I don't know: nothing in the documents answers this." },
	{ POOL, "I found no answer to this in the documents." },
	{ POOL, "I could not find an answer in the passages." },
	{ POOL,
	  "I couldn't find any information about the thread pool in the provided documents." },
	{ POOL, "I'm sorry, but I don't have enough information to answer that question." },
	{ POOL, "I'm not sure." },
	{ POOL, "I am unable to determine how large the thread pool is from the given context." },
	{ POOL, "I cannot answer this question based on the provided passages." },
	{ POOL, "I'm afraid I cannot answer." },
	{ POOL, "Sorry, I don't know." },
	{ POOL, "Unfortunately, the documents do not say how large the thread pool is." },
	{ POOL, "Based on the provided context, I cannot determine how large the thread pool is." },
	{ POOL, "Based on the given passages, there is no information about the thread pool." },
	{ POOL, "The documents do not say." },
	{ POOL, "The documents do not say that." },
	{ POOL, "The documents don't mention the thread pool." },
	{ POOL, "The provided documents do not contain any information about the thread pool." },
	{ POOL, "The provided context does not specify how large the thread pool is." },
	{ POOL, "The context does not provide enough details to answer the question." },
	{ POOL, "The passages do not explicitly state how large the thread pool is." },
	{ POOL, "The passages provided don't answer this question." },
	{ POOL, "The text does not mention how large the thread pool is, so I cannot answer the "
		"question." },
	{ POOL, "The sources say nothing about the thread pool." },
	{ POOL, "The excerpts contain no information on the thread pool." },
	{ POOL, "The given text lacks information about the thread pool." },
	{ POOL, "The material fails to mention the thread pool." },
	{ POOL, "The documents are silent on the thread pool." },
	{ POOL, "The context is not sufficient to answer the question." },
	{ POOL, "The sources do not include the answer." },
	{ POOL, "None of the passages mention the thread pool." },
	{ POOL, "None of the provided documents answer the question." },
	{ POOL, "Neither passage mentions the thread pool." },
	{ POOL, "Nothing in the sources answers the question." },
	{ POOL, "No information about the thread pool is provided in the documents." },
	{ POOL, "No answer was found in the documents." },
	{ POOL, "No relevant information was found." },
	{ POOL, "There is no information about the thread pool in the context." },
	{ POOL, "There's no mention of the thread pool in the documents." },
	{ POOL, "There is not enough information in the passages to answer this question." },
	{ POOL, "This information is not available in the provided text." },
	{ POOL, "The answer is not in the documents." },
	{ POOL, "The answer to this question cannot be found in the given passages." },
	{ POOL, "The thread pool is not mentioned in the documents." },
	{ POOL, "How large the thread pool is is not stated in the context." },
	{ POOL, "It is unclear from the documents how large the thread pool is." },
	{ POOL, "Regarding the thread pool, the documents do not say anything." },
	{ POOL,
	  "According to the documents, the answer is not known, since they do not mention the "
	  "thread pool." },
	{ POOL, "Passage 2 does not say how large the thread pool is." },
	{ POOL, "**The documents do not say how large the thread pool is.**" },
	{ "What are the default size and the limit of the pool?",
	  "The default size and the limit of the pool are not mentioned in the documents." },
	{ "What are the default size and the limit of the pool?",
	  "The documents do not mention the default size or the limit of the pool." },
	{ POOL, "The provided documents do not include information regarding the size of the "
		"thread pool." },
	{ POOL, "I apologize, but the provided context does not contain the information needed to "
		"answer your question." },
	{ POOL, "I'm sorry, I couldn't find anything about that in the documents." },
	{ POOL, "The passage does not provide information on the size of the thread pool." },
	{ POOL, "The retrieved passages do not contain enough information to answer this." },
	{ POOL, "Unfortunately, I don't have access to that information." },
	{ POOL, "The size of the thread pool is not specified in the provided text." },
	{ POOL, "There is no specific mention of the thread pool's size in the given context." },
	{ POOL, "It is not possible to determine the size of the thread pool from the documents." },
	{ POOL, "The question cannot be answered with the provided documents." },
	{ POOL, "From the documents, it is not clear how large the thread pool is." },
	{ POOL, "The context information does not answer the query." },
	{ "What happened in 1999?", "The documents do not say what happened in 1999." },
	{ "Who won the chess championship of 1927?",
	  "The sources don't say who won the chess championship of 1927." },
	{ "Is the password stored on the server?",
	  "The documents do not say whether the password is stored on the server." },
};

static const struct disclaimer_row claims[] = {
	/* What the question does not have. */
	{ POOL, "The answer is not stored on the server, and the password is not needed either." },
	{ POOL, "The answer is not stored on the server." },
	{ POOL, "The documents do not mention the thread pool, but its size is four." },
	{ POOL, "I don't know, but Ryan Dahl wrote it." },
	{ POOL, "I do not know much about it, but I know that it is pretty fast." },
	{ POOL, "Not sure, but I know that it is a library." },
	{ POOL, "The documents do not say that bananas are yellow." },
	{ POOL, "We found no evidence of a memory leak." },
	{ POOL, "I know it has six threads, but I don't know any other library." },
	{ POOL, "The passage says that Buyantu Khan was not a competent emperor." },
	{ POOL, "The documents do not say, and the pool has 128 threads." },
	{ POOL, "No answer is needed before the callback returns." },
	{ POOL, "The server does not answer when the queue is full." },
	{ POOL, "The response does not include a body." },
	{ POOL, "Not available in Berlin." },
	/* Two clauses, of words of the question alone. */
	{ "Is the default size of the thread pool 4?",
	  "The documents do not say, but the default size of the thread pool is 4." },
	{ "Is the default size of the thread pool 4?",
	  "The documents do not say; the default size of the thread pool is 4." },
	{ "Is the default size of the thread pool 4?",
	  "I don't know, the default size of the thread pool is 4." },
	{ "Is the default size of the thread pool 4?",
	  "I don't know \xe2\x80\x94 the default size of the thread pool is 4." },
	{ "Is the pool large?", "The documents do not mention the pool, which is large." },
	{ "Is the pool large?", "The pool, which is not mentioned in the documents, is large." },
	{ "Is the pool large?", "The documents do not say so and the pool is large." },
	{ "Is the pool large?", "The pool is large, although the documents do not say so." },
	{ "Is the pool large?", "Although the pool is large, I do not know the answer." },
	{ "Was it Ryan Dahl or Bert Belder?", "Ryan Dahl, although the documents do not say so." },
	{ "Was it Ryan Dahl or Bert Belder?", "Ryan Dahl, but I do not know why." },
	{ "Did he win?", "I don't know, but he did." },
	{ "Did he win?", "No, but the documents do not say why." },
	{ "Did he win?", "Yes, but the documents do not say why." },
	/* One clause whose negation is another's. */
	{ "Is the pool large?", "The documents say that the pool is not large." },
	{ "Is the pool large?", "The documents say the pool is not large." },
	{ "Is any pool large?", "The documents say no pool is large." },
	{ "Is anything large?", "The documents say nothing is large." },
	{ "Is the pool large?", "I know that the pool is not large." },
	{ "Is the pool large?", "The pool is not large as the documents say." },
	{ "Is the pool large?", "There is nothing that the documents do not say about the pool." },
	{ "Is the pool large?", "The pool is not large." },
	{ "Is the password in the text format?", "The password is not in the text format." },
	/* Of somebody else. */
	{ "What do the police know about the suspect?",
	  "The police have no information about the suspect." },
	{ "Where did the police find the suspect?",
	  "The police did not find the suspect in the documents." },
	{ "Does the server contain documents?", "The server does not contain documents." },
	{ "Did the police find the gun?", "The gun was not found." },
	{ "Is there a difference?", "The results do not show a difference." },
	{ "Does the file contain the password?", "The file does not contain the password." },
	{ "Does the text show the error?", "The text does not show the error." },
	{ "What did the police find?", "No documents were found." },
	{ "What did the minister say about the documents?",
	  "\"The documents do not say,\" said the minister." },
	{ "What did the minister answer?", "He did not answer." },
	{ "What did the minister answer?", "He provided no answer." },
	{ "What did the minister know?", "He has no information." },
	{ "Is the author of the book known?", "The author of the book is not known." },
};

static enum ground_verdict verdict_of(const struct claim_lexicon *x, const char *question,
				      const char *passage, const char *sentence)
{
	struct ragd_passage p = { .text = { passage, strlen(passage) } };
	struct ragd_screen screen = { .size = sizeof(screen),
				      .stage = RAGD_STAGE_RESPONSE,
				      .question = { question, strlen(question) },
				      .passages = &p,
				      .n_passages = 1,
				      .grounded = true };
	struct ground_support support;
	enum ground_verdict verdict;
	struct ground *g = NULL;

	assert_int_equal(ground_new(&screen, x, &stop, &g, NULL), 0);
	assert_int_equal(ground_check(g, sentence, strlen(sentence), 0, GROUND_THRESHOLD, &stop,
				      &verdict, &support),
			 0);
	ground_free(g);
	return verdict;
}

/* A passage that has none of it. */
#define ELSEWHERE "Timer handles schedule callbacks for later."

static unsigned rows_count(const struct claim_lexicon *x, const struct disclaimer_row *rows,
			   size_t n, bool want)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < n; i++)
		if ((verdict_of(x, rows[i].question, ELSEWHERE, rows[i].sentence) ==
		     GROUND_DISCLAIMER) != want) {
			print_error("%s: %s\n", want ? "dropped" : "let out", rows[i].sentence);
			wrong++;
		}
	return wrong;
}

static void what_only_says_that_nothing_answers_leaves(void **state)
{
	assert_int_equal(rows_count(*state, disclaimers, ARRAY_LEN(disclaimers), true), 0);
}

static void what_says_more_does_not(void **state)
{
	assert_int_equal(rows_count(*state, claims, ARRAY_LEN(claims), false), 0);
}

/* What a passage says of its own documents is cited like any other quotation. */
static void a_quotation_is_no_disclaimer(void **state)
{
	static const char *const quoted[] = {
		"The documents do not say how large the thread pool is.",
		"We did not find an answer in the sources.",
		"The manual does not mention the thread pool.",
	};

	for (size_t i = 0; i < ARRAY_LEN(quoted); i++) {
		assert_int_equal(verdict_of(*state, POOL, quoted[i], quoted[i]), GROUND_SUPPORTED);
		assert_int_equal(verdict_of(*state, POOL, ELSEWHERE, quoted[i]), GROUND_DISCLAIMER);
	}
}

static int lexicon_open(void **state)
{
	*state = claim_english_open();
	return *state != NULL ? 0 : -1;
}

static int lexicon_close(void **state)
{
	claim_lexicon_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_only_says_that_nothing_answers_leaves),
		cmocka_unit_test(what_says_more_does_not),
		cmocka_unit_test(a_quotation_is_no_disclaimer),
	};

	return cmocka_run_group_tests(tests, lexicon_open, lexicon_close);
}
