/* prompt.c - the conversation templates and their tokenisation in one or two chunks. */
#include "formats/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "formats/tokenizer_internal.h"

static const saint_template templates[] = {
    {.name = "vicuna_v1",
     .system = "A chat between a curious user and an artificial intelligence assistant. "
               "The assistant gives helpful, detailed, and polite answers to the user's questions.",
     .before = "USER: ",
     .after = " ASSISTANT:",
     .image = "\n",
     .after_image_dummy_prefix = true},
    {.name = "llava_hf", .system = "", .before = "USER: ", .after = " ASSISTANT:", .image = "\n", .after_image_as_tokenizer = true},
    {.name = "plain", .system = "", .before = "", .after = "", .image = ""},
};

const saint_template *saint_template_at(int i)
{
    return i >= 0 && (size_t)i < sizeof templates / sizeof *templates ? &templates[i] : NULL;
}

const saint_template *saint_template_find(const char *name)
{
    for (int i = 0; saint_template_at(i); i++)
        if (strcmp(templates[i].name, name) == 0) return &templates[i];
    return NULL;
}

static bool add(saint_buf *b, const char *s)
{
    return saint_buf_add(b, s, strlen(s));
}

/* Append the ids of one chunk to the prompt; *n_added says how many. */
static saint_status add_chunk(saint_prompt *p, const saint_tokenizer *tok, const saint_buf *text, unsigned flags, int *n_added,
                              saint_error *err)
{
    int32_t *ids;
    size_t n, have = (size_t)p->n_prefix + (size_t)p->n_suffix;
    saint_status s = saint_tokenizer_encode(tok, text->data, text->n, flags, &ids, &n, err);
    if (s != SAINT_OK) return s;
    int32_t *all = realloc(p->ids, (have + n + 1) * sizeof *all);
    if (!all) {
        free(ids);
        return saint_fail(err, SAINT_MEMORY, "prompt: no memory for %zu tokens", have + n);
    }
    memcpy(all + have, ids, n * sizeof *ids);
    free(ids);
    p->ids = all;
    *n_added = (int)n;
    return SAINT_OK;
}

saint_status saint_prompt_build(const saint_template *t, const saint_tokenizer *tok, const char *question, bool has_image,
                                saint_prompt *out, saint_error *err)
{
    *out = (saint_prompt){0};
    if (has_image && strstr(question, "<image>"))
        return saint_fail(err, SAINT_INVALID, "prompt: the question holds the placeholder <image>; leave it out, the template %s puts the "
                          "picture in its place", t->name);
    /* Special tokens are never looked for: what a question's text says must not be able to end the turn. */
    unsigned first = SAINT_TOK_DUMMY_PREFIX | (saint_tok_adds_bos(tok) ? (unsigned)SAINT_TOK_BOS : 0);
    bool prefix = t->after_image_dummy_prefix || (t->after_image_as_tokenizer && saint_tok_prefixes_sections(tok));
    unsigned second = prefix ? (unsigned)SAINT_TOK_DUMMY_PREFIX : 0;
    saint_buf text = {0};
    saint_status s = SAINT_OK;
    bool ok = add(&text, t->system) && (!*t->system || add(&text, " ")) && add(&text, t->before);
    if (ok && has_image) {
        s = add_chunk(out, tok, &text, first, &out->n_prefix, err);
        text.n = 0;
        ok = add(&text, t->image);
    }
    ok = ok && add(&text, question) && add(&text, t->after);
    if (!ok) s = saint_fail(err, SAINT_MEMORY, "prompt: no memory");
    if (s == SAINT_OK) s = add_chunk(out, tok, &text, has_image ? second : first, &out->n_suffix, err);
    saint_buf_free(&text);
    if (s != SAINT_OK) saint_prompt_free(out);
    return s;
}

void saint_prompt_free(saint_prompt *p)
{
    if (!p) return;
    free(p->ids);
    *p = (saint_prompt){0};
}
