/* prompt.h - a conversation template filled in, tokenised around the picture, with the span of every part known.
 *
 * The engine owns this table: where the image rows lie is always derived from it, never typed in (evaluation.md 0.1, 2.1). */
#ifndef SAINT_FORMATS_PROMPT_H
#define SAINT_FORMATS_PROMPT_H

#include "formats/tokenizer.h"

typedef struct {
    const char *name;   /* "vicuna_v1", "llava_hf", "plain" */
    const char *system; /* text before the first role, may be "" */
    const char *before; /* "USER: " : what comes between system and the picture */
    const char *after;  /* " ASSISTANT:" : what follows the question */
    const char *image;  /* text right behind the picture: "\n" */
    bool after_image_dummy_prefix; /* the chunk behind the picture is given a dummy prefix of its own, whatever the tokenizer's files say */
    bool after_image_as_tokenizer; /* else: it gets one where a tokenizer.json puts one behind every special token, as in transformers */
} saint_template;

/* NULL when there is no template of that name; saint_template_at enumerates, NULL past the end. */
const saint_template *saint_template_find(const char *name);
const saint_template *saint_template_at(int i);

typedef struct {
    int32_t *ids;   /* text ids in order, system part then question part; owned */
    int n_prefix;   /* ids before the picture (35 for vicuna_v1 with the LLaMA tokenizer, BOS included) */
    int n_suffix;   /* ids behind it */
} saint_prompt;

/* Fill the template with `question` and tokenise. has_image = false: one chunk, n_prefix = 0. */
saint_status saint_prompt_build(const saint_template *t, const saint_tokenizer *tok, const char *question, bool has_image,
                                saint_prompt *out, saint_error *err);
void saint_prompt_free(saint_prompt *p);

#endif
