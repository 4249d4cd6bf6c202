/* keys.c - rolling keys: the key of link i + 1 hashes key i and everything link i reads. A plan without a site in a layer adds nothing there,
 * so adding a site at layer 12 leaves keys 0..12 as they are. */
#include <string.h>

#include "run/internal.h"

saint_digest saint_key_pixels(const saint_session *s, const float *pixels, int n_images)
{
    saint_sha256 h;
    int32_t head[2] = {(int32_t)s->b->compute, n_images};
    size_t each = 3 * (size_t)s->m->vit.side * (size_t)s->m->vit.side;
    saint_sha256_init(&h);
    saint_sha256_update(&h, &s->m->info.digest, sizeof s->m->info.digest);
    saint_sha256_update(&h, s->b->op->name, strlen(s->b->op->name));
    saint_sha256_update(&h, s->b->tier, strlen(s->b->tier));
    saint_sha256_update(&h, head, sizeof head);
    saint_sha256_update(&h, pixels, (size_t)n_images * each * sizeof *pixels);
    return saint_sha256_final(&h);
}

saint_digest saint_key_next(const saint_digest *key, const char *tag, int layer, const saint_site *site, unsigned compat)
{
    saint_sha256 h;
    int32_t at = layer;
    saint_sha256_init(&h);
    saint_sha256_update(&h, key, sizeof *key);
    saint_sha256_update(&h, tag, strlen(tag) + 1);
    saint_sha256_update(&h, &at, sizeof at);
    if (site) {
        saint_sha256_update(&h, site, sizeof *site); /* plans zero what a method does not read */
        saint_sha256_update(&h, &compat, sizeof compat);
    }
    return saint_sha256_final(&h);
}

saint_digest saint_key_llm(const saint_digest *features, int image, const saint_text *text, int window_first, int window_length)
{
    saint_sha256 h;
    int32_t head[5] = {image, text->n_prefix, text->n_suffix, window_first, window_length};
    saint_sha256_init(&h);
    saint_sha256_update(&h, features, sizeof *features);
    saint_sha256_update(&h, head, sizeof head);
    saint_sha256_update(&h, text->ids, (size_t)(text->n_prefix + text->n_suffix) * sizeof *text->ids);
    return saint_sha256_final(&h);
}

void saint_keys_vit(const saint_session *s, const saint_plan *p, saint_digest start, saint_digest key[SAINT_MAX_LAYERS], saint_digest *features)
{
    saint_digest k = start;
    for (int i = 0; i < s->m->vit.run; i++) {
        key[i] = saint_key_next(&k, "vit", i, NULL, 0);
        k = saint_key_next(&key[i], "site", i, saint_plan_site(p, SAINT_STAGE_VIT, i), p->compat);
    }
    *features = k;
}

void saint_keys_llm(const saint_session *s, const saint_plan *p, saint_digest start, saint_digest key[SAINT_MAX_LAYERS])
{
    saint_digest k = start;
    for (int i = 0; i < s->m->llm.layers; i++) {
        key[i] = saint_key_next(&k, "llm", i, NULL, 0);
        k = saint_key_next(&key[i], "site", i, saint_plan_site(p, SAINT_STAGE_LLM, i), p->compat);
    }
}
