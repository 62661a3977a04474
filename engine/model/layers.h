/*
 * Inside engine/model: forward functions, and the blocks that they are put together from. What a
 * layer does not have (a bias, a norm of heads) is not done.
 *
 * The residual add is deferred. Written down plainly, a layer of a decoder is
 *
 *     x = x + attention(norm(x, attn_norm))
 *     x = x + ffn(norm(x, ffn_norm))
 *
 * and the next thing that happens to any x is a norm: the next block's, or the output's. To add and
 * then to norm would read and write each row twice, with a meeting of all threads in between. So a
 * block does not add: it leaves its output in r->delta, the bias of its last matrix in
 * r->delta_bias, and sets r->pending. The norm that follows does all of it to one row while that
 * row is in the cache: x += delta, x += bias, h = norm(x), and where h is multiplied as integers,
 * quantise it (norm_rows() in layers.c).
 *
 * For an encoder, whose norms come after the blocks, the sequence is
 *
 *     x = norm(x + attention(x), attn_norm)
 *     x = norm(x + ffn(x), ffn_norm)
 *
 * and the same norm_rows() serves, with x itself as its target. What follows from this:
 *
 *   - While r->pending is set, r->x lacks the last block's part. Only a norm may read it, and
 *     nothing may write r->delta.
 *   - rows_narrow() moves rows of x in the last layer's attention; delta is written after that,
 *     for the rows that are left.
 *   - Every forward function ends with a norm. One that does not has to add delta itself.
 */
#ifndef ENGINE_MODEL_LAYERS_H
#define ENGINE_MODEL_LAYERS_H

struct run;

/* Norms before attention and feed-forward, causal: llama and its kin. */
void layers_decoder(struct run *r);
/* Norms after them, every token sees all: bert and its kin. */
void layers_encoder(struct run *r);

#endif
