#ifndef EARSHOT_MODELS_H
#define EARSHOT_MODELS_H

#include <stddef.h>
#include <stdint.h>

/* Weights of the built-in engines, as tools/train writes them. */
const uint8_t *earshot_model_language(size_t *size);
const uint8_t *earshot_model_sentiment(size_t *size);
const uint8_t *earshot_model_intent(size_t *size);

#endif
