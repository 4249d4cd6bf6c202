/* keys.c - rolling keys: the key of link i + 1 hashes key i and everything link i reads. A plan without a site in a layer adds nothing
 * there, so adding a site at layer 12 leaves keys 0..12 as they are.
 *
 * The LLM has two chains. `full` starts with the picture and the whole prompt. `picture` leaves out what stands behind the picture: under
 * the causal mask the rows before the question do not depend on it, and neither do the survivors of a method that reads their keys alone.
 */
#include <string.h>

#include "run/internal.h"

saint_digest saint_key_pixels(const saint_session *s, const float *pixels, int n_images)
{
    saint_sha256 h;
    int32_t head[2] = {(int32_t)s->b->compute, n_images};
    size_t each = 3 * (size_t)s->m->vit.side * (size_t)s->m->vit.side;
    saint_sha256_init(&h);
    saint_sha256_update(&h, &s->m->info.digest, sizeof s->m->info.digest);
    saint_sha256_update(&h, s->b->op->name, strlen(s->b->op->name) + 1);
    saint_sha256_update(&h, s->b->tier, strlen(s->b->tier) + 1);
    saint_sha256_update(&h, head, sizeof head);
    saint_sha256_update(&h, pixels, (size_t)n_images * each * sizeof *pixels);
    return saint_sha256_final(&h);
}

saint_digest saint_key_text(const saint_text *text)
{
    saint_sha256 h;
    int32_t head[2] = {text->n_prefix, text->n_suffix};
    saint_sha256_init(&h);
    saint_sha256_update(&h, head, sizeof head);
    if (text->ids) saint_sha256_update(&h, text->ids, (size_t)(text->n_prefix + text->n_suffix) * sizeof *text->ids);
    return saint_sha256_final(&h);
}

static saint_digest block_key(const saint_digest *key, const char *tag, int layer)
{
    saint_sha256 h;
    int32_t at = layer;
    saint_sha256_init(&h);
    saint_sha256_update(&h, key, sizeof *key);
    saint_sha256_update(&h, tag, strlen(tag) + 1);
    saint_sha256_update(&h, &at, sizeof at);
    return saint_sha256_final(&h);
}

/* The flags that place the window count at LLM sites only, and the one that moves decoding counts at no site. */
uint32_t saint_plan_site_flags(const saint_plan *p, saint_stage stage)
{
    uint32_t window = 1u << SAINT_COMPAT_SYS_LENGTH_36 | 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS;
    return p->compat & ~(1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE) & (stage == SAINT_STAGE_VIT ? ~window : ~0u);
}

static saint_digest site_key(const saint_digest *key, const saint_plan *p, saint_stage stage, int layer)
{
    const saint_site *site = saint_plan_site(p, stage, layer);
    if (!site) return *key;
    saint_sha256 h;
    uint32_t compat = saint_plan_site_flags(p, stage);
    int32_t window[2] = {p->sys_length, p->image_token_length};
    saint_sha256_init(&h);
    saint_sha256_update(&h, key, sizeof *key);
    saint_sha256_update(&h, site, sizeof *site); /* plans zero what a method does not read */
    if (site->method == SAINT_METHOD_HAND) saint_sha256_update(&h, p->hand.keep, sizeof p->hand.keep);
    saint_sha256_update(&h, &compat, sizeof compat);
    if (stage == SAINT_STAGE_LLM) saint_sha256_update(&h, window, sizeof window);
    return saint_sha256_final(&h);
}

void saint_keys_vit(const saint_session *s, const saint_plan *p, saint_digest start, saint_digest key[SAINT_MAX_LAYERS],
                    saint_digest *features)
{
    saint_digest k = start;
    for (int i = 0; i < s->m->vit.run; i++) {
        key[i] = block_key(&k, "vit", i);
        k = site_key(&key[i], p, SAINT_STAGE_VIT, i);
    }
    *features = k;
}

static saint_digest text_key(const saint_digest *key, const char *tag, int32_t image, const int32_t *ids, int32_t n)
{
    saint_sha256 h;
    int32_t head[2] = {image, n};
    saint_sha256_init(&h);
    saint_sha256_update(&h, key, sizeof *key);
    saint_sha256_update(&h, tag, strlen(tag) + 1);
    saint_sha256_update(&h, head, sizeof head);
    saint_sha256_update(&h, ids, (size_t)n * sizeof *ids);
    return saint_sha256_final(&h);
}

static void llm_chain(const saint_session *s, const saint_plan *p, saint_digest k, const char *tag, saint_digest key[SAINT_MAX_LAYERS])
{
    for (int i = 0; i < s->m->llm.layers; i++) {
        key[i] = block_key(&k, tag, i);
        k = site_key(&key[i], p, SAINT_STAGE_LLM, i);
    }
}

void saint_keys_llm(const saint_session *s, const saint_plan *p, const saint_digest *features, int image, const saint_text *text,
                    saint_llm_keys *out)
{
    saint_digest before = text_key(features, "before", image, text->ids, text->n_prefix);
    saint_digest all = text_key(&before, "behind", image, text->ids + text->n_prefix, text->n_suffix);
    out->n_picture = 0;
    llm_chain(s, p, before, "llm.picture", out->picture);
    llm_chain(s, p, all, "llm", out->full);
}

int saint_keys_shared(const saint_session *s, const saint_plan *p, const saint_text *text, int n_features)
{
    int layers = s->m->llm.layers;
    if (n_features < 1 || text->n_suffix < 1) return 0;
    saint_window w = saint_plan_window(p, &s->m->info, text, n_features, NULL);
    bool reads_text =
        w.first + w.length > text->n_prefix + n_features; /* what goes, goes from inside the window: true of no later site either */
    for (int i = 0; i < layers; i++) {
        const saint_site *site = saint_plan_site(p, SAINT_STAGE_LLM, i);
        if (site && (reads_text || saint_method_at(site->method)->reads_text)) return i + 1; /* this block still, its survivors not */
    }
    return layers;
}

saint_window saint_plan_window(const saint_plan *p, const saint_model_info *m, const saint_text *text, int n_features, saint_notes *notes)
{
    int total = text->n_prefix + n_features + text->n_suffix;
    saint_window w = {text->n_prefix, n_features};
    if (n_features < 1) return (saint_window){text->n_prefix, 0}; /* no picture, no window */
    if (p->compat & 1u << SAINT_COMPAT_SYS_LENGTH_36) w.first = 36;
    if (p->compat & 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS && n_features < m->grid_w * m->grid_h) w.length++;
    if (p->sys_length >= 0) w.first = p->sys_length;
    if (p->image_token_length >= 0) w.length = p->image_token_length;
    if (w.first != text->n_prefix)
        saint_note(notes, "saint_sys_length: using %d, but the picture starts at row %d", w.first, text->n_prefix);
    if (w.length != n_features)
        saint_note(notes, "saint_image_token_length: using %d, but %d picture tokens reach the LLM", w.length, n_features);
    if (w.first > total) w.first = total;
    if (w.length > total - w.first) {
        saint_note(notes, "the image window ends behind the prompt and is cut from %d to %d rows", w.length, total - w.first);
        w.length = total - w.first;
    }
    return w;
}
