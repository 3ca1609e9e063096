#include "CModels.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

/* Aligned, so that a row of weights does not straddle more cache lines than it must. */
#define MODEL(name)                                             \
    const uint8_t *earshot_model_##name(size_t *size) {               \
        *size = sizeof name##_weights;                                \
        return name##_weights;                                        \
    }

static const _Alignas(64) uint8_t language_weights[] = {
#embed "weights/language.bin"
};
static const _Alignas(64) uint8_t sentiment_weights[] = {
#embed "weights/sentiment.bin"
};
static const _Alignas(64) uint8_t intent_weights[] = {
#embed "weights/intent.bin"
};

MODEL(language)
MODEL(sentiment)
MODEL(intent)
