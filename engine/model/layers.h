/*
 * Inside engine/model: forward functions, and the blocks that they are put together from. What a layer
 * does not have (a bias, a norm of heads) is not done.
 */
#ifndef ENGINE_MODEL_LAYERS_H
#define ENGINE_MODEL_LAYERS_H

struct run;

/* Norms before attention and feed-forward, causal: llama and its kin. */
void layers_decoder(struct run *r);
/* Norms after them, every token sees all: bert and its kin. */
void layers_encoder(struct run *r);

#endif
