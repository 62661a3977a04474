"""The official SDK against the daemon at $RAGD_SOCKET, which holds the document of test_openai.sh."""
import os
import unittest

import httpx2
import openai

QUESTION = "What is the default size of the pool?"


def connect():
    transport = httpx2.HTTPTransport(uds=os.environ["RAGD_SOCKET"])
    return openai.OpenAI(base_url="http://ragd/v1", api_key="none", max_retries=0, timeout=600,
                         http_client=openai.DefaultHttpxClient(transport=transport))


class WithClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = connect()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()


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
