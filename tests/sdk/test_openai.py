"""The official SDK against the daemon at $RAGD_SOCKET, which holds the document of test_openai.sh."""
import math
import os
import unittest

import httpx2
import openai

ALIKE = "How do I reset my password?", "What to do when a password is forgotten"
OTHER = "The museum lies in Rotterdam."
QUESTION = "What is the default size of the pool?"


def connect():
    transport = httpx2.HTTPTransport(uds=os.environ["RAGD_SOCKET"])
    return openai.OpenAI(base_url="http://ragd/v1", api_key="none", max_retries=0, timeout=600,
                         http_client=openai.DefaultHttpxClient(transport=transport))


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


class WithClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = connect()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def vectors(self, texts, **more):
        reply = self.client.embeddings.create(model="encoder", input=texts, **more)
        return [item.embedding for item in reply.data]


class Embeddings(WithClient):
    def test_what_a_text_means_is_where_its_vector_points(self):
        a, b, other = self.vectors([*ALIKE, OTHER])
        self.assertGreater(cosine(a, b), 0.6)
        self.assertLess(cosine(a, other), 0.2)

    def test_base64_which_the_sdk_asks_for_is_the_same_as_float(self):
        raw = self.client.embeddings.with_raw_response.create(model="encoder", input=ALIKE[0])
        self.assertIn(b'"base64"', raw.http_request.content)
        [plain] = self.vectors(ALIKE[0], encoding_format="float")
        self.assertEqual(len(plain), 384)
        for x, y in zip(raw.parse().data[0].embedding, plain, strict=True):
            self.assertAlmostEqual(x, y, places=5)

    def test_vectors_have_length_1_and_come_in_order(self):
        together = self.vectors([*ALIKE, OTHER])
        for text, v in zip([*ALIKE, OTHER], together):
            self.assertAlmostEqual(sum(x * x for x in v), 1, places=4)
            self.assertGreater(cosine(v, self.vectors(text)[0]), 0.9999)

    def test_tokens_are_counted(self):
        usage = self.client.embeddings.create(model="encoder", input=[*ALIKE, OTHER]).usage
        self.assertEqual((usage.prompt_tokens, usage.total_tokens), (27, 27))

    def test_2048_inputs_and_no_more(self):
        reply = self.client.embeddings.create(model="encoder", input=["word %d" % i for i in range(2048)])
        self.assertEqual([item.index for item in reply.data], list(range(2048)))
        with self.assertRaises(openai.BadRequestError):
            self.vectors(["word"] * 2049)

    def test_dimensions_of_a_model_that_cannot_be_cut(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.vectors(ALIKE[0], dimensions=64)
        self.assertEqual(caught.exception.param, "dimensions")
        self.assertEqual(len(self.vectors(ALIKE[0], dimensions=384)[0]), 384)

    def test_what_cannot_be_embedded_is_refused_by_its_place(self):
        for texts, param in (["a", ""], "input[1]"), ([" \n", "a"], "input[0]"):
            with self.assertRaises(openai.BadRequestError) as caught:
                self.vectors(texts)
            self.assertEqual(caught.exception.param, param)
        with self.assertRaises(openai.BadRequestError):
            self.vectors([[1, 2, 3]])

    def test_documents_change_no_vector(self):
        before = self.vectors(ALIKE[0])
        for i in range(50):
            text = "Passwords of part %d are reset by its keeper, number %d.\n" % (i, i * 7)
            reply = self.client.put("/collections/more/documents/%d.txt" % i, cast_to=object, content=text.encode(),
                                    options={"headers": {"Content-Type": "text/plain"}})
            self.assertEqual(reply["status"], "added")
        self.assertEqual(self.vectors(ALIKE[0]), before)


class Chat(WithClient):
    def ask(self, text=QUESTION, **more):
        return self.client.chat.completions.create(model="default", messages=[{"role": "user", "content": text}],
                                                   **more)

    def test_an_answer_cites_its_document(self):
        reply = self.ask()
        message = reply.choices[0].message
        self.assertIn("4 threads", message.content)
        self.assertEqual(reply.choices[0].finish_reason, "stop")
        [note] = message.annotations
        self.assertEqual(note.url_citation.title, "Thread pool")
        self.assertEqual(message.content[note.url_citation.start_index:note.url_citation.end_index], "[1]")
        self.assertEqual(reply.model_extra["ragd"]["sources"][0]["document"], "pool.md")

    def test_the_pieces_of_a_stream_are_the_same_answer(self):
        whole = self.ask().choices[0].message.content
        text, finish, usage, last = "", [], None, None
        for chunk in self.ask(stream=True, stream_options={"include_usage": True}):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish += [choice.finish_reason] if choice.finish_reason else []
                last = chunk.model_extra.get("ragd") or last
        self.assertEqual((text, finish), (whole, ["stop"]))
        self.assertGreater(usage.total_tokens, 0)
        self.assertTrue(last["grounded"])

    def test_what_the_documents_do_not_say_is_left_unanswered(self):
        reply = self.ask("Who won the football match?")
        self.assertTrue(reply.model_extra["ragd"]["abstained"])
        self.assertFalse(reply.choices[0].message.annotations)

    def test_a_stream_that_is_left_costs_the_next_nothing(self):
        with self.ask(stream=True) as stream:
            next(iter(stream))
        self.assertIn("4 threads", self.ask().choices[0].message.content)

    def test_an_error_is_the_sdks_own(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "hi"}])
        self.assertEqual(caught.exception.code, "unknown_model")


class Models(WithClient):
    def test_the_list_has_the_assistant_and_the_encoder(self):
        names = [model.id for model in self.client.models.list()]
        self.assertLessEqual({"default", "encoder"}, set(names))
        self.assertEqual(self.client.models.retrieve("encoder").id, "encoder")


if __name__ == "__main__":
    unittest.main(verbosity=2)
