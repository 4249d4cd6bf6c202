#include "formats/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/resize.h"

enum { LARGEST_INPUT = 4096 };

/* ---- pixels ---- */

/* int(size * long / short) of Python: a true division of two exact integers, then cut off. */
static int scaled_edge(int size, int edge, int shortest)
{
    return edge == shortest ? size : (int)((double)((int64_t)size * edge) / (double)shortest);
}

static int crop_offset(int full, int side, saint_rounding rounding)
{
    int half = (full - side) / 2;
    bool tie = (full - side) % 2 != 0; /* x.5: torchvision rounds it to the even neighbour, transformers down */
    return rounding == SAINT_ROUND_TORCHVISION && tie && half % 2 ? half + 1 : half;
}

/* (v / 255 - mean) / std of each byte. transformers multiplies by 1/255 in double and rounds; ToTensor divides in float. */
static void value_table(const saint_preproc *p, int channel, float table[256])
{
    for (int v = 0; v < 256; v++) {
        float unit = p->rounding == SAINT_ROUND_HF ? (float)(v * (1.0 / 255.0)) : (float)v / 255.0f;
        table[v] = (unit - p->mean[channel]) / p->std[channel];
    }
}

static saint_status check_settings(const saint_preproc *p, const saint_image *im, saint_error *err)
{
    if (p->side < 1 || p->side > LARGEST_INPUT || p->resize < p->side || p->resize > LARGEST_INPUT)
        return saint_fail(err, SAINT_INVALID, "preprocessing: expected 1 <= side <= resize <= %d, found side %d, resize %d", LARGEST_INPUT,
                          p->side, p->resize);
    for (int c = 0; c < 3; c++)
        if (!(p->std[c] > 0) || !isfinite(p->std[c]) || !isfinite(p->mean[c]))
            return saint_fail(err, SAINT_INVALID, "preprocessing: expected a finite mean and a positive std, found %g and %g",
                              (double)p->mean[c], (double)p->std[c]);
    if (!im->rgb || im->w < 1 || im->h < 1) return saint_fail(err, SAINT_INVALID, "preprocessing: expected a picture, found an empty one");
    return SAINT_OK;
}

saint_status saint_preprocess(const saint_preproc *p, const saint_image *im, float *pixels, saint_view_rect *rect, saint_error *err)
{
    saint_status s = check_settings(p, im, err);
    if (s != SAINT_OK) return s;
    saint_canvas canvas = {.photo = im, .w = im->w, .h = im->h};
    if (p->fit == SAINT_FIT_PAD) {
        canvas.w = canvas.h = im->w > im->h ? im->w : im->h;
        canvas.x = (canvas.w - im->w) / 2;
        canvas.y = (canvas.h - im->h) / 2;
        memcpy(canvas.colour, p->pad, 3);
    }
    int shortest = canvas.w < canvas.h ? canvas.w : canvas.h;
    bool stretch = p->fit == SAINT_FIT_STRETCH;
    int full_w = stretch ? p->resize : scaled_edge(p->resize, canvas.w, shortest);
    int full_h = stretch ? p->resize : scaled_edge(p->resize, canvas.h, shortest);
    int left = crop_offset(full_w, p->side, p->rounding), top = crop_offset(full_h, p->side, p->rounding);

    saint_image square;
    s = saint_canvas_resize(&canvas, full_w, full_h, left, top, p->side, p->side, p->filter, &square, err);
    if (s != SAINT_OK) return s;
    size_t n = (size_t)p->side * (size_t)p->side;
    for (int c = 0; c < 3; c++) {
        float table[256];
        value_table(p, c, table);
        for (size_t i = 0; i < n; i++) pixels[(size_t)c * n + i] = table[square.rgb[3 * i + (size_t)c]];
    }
    saint_image_free(&square);
    if (rect) {
        double cw = canvas.w, ch = canvas.h; /* multiply first: whole numbers stay whole */
        *rect =
            (saint_view_rect){left * cw / full_w - canvas.x, top * ch / full_h - canvas.y, p->side * cw / full_w, p->side * ch / full_h};
    }
    return SAINT_OK;
}

/* ---- the two published forms of settings ---- */

/* A member that is there and not null: transformers writes null for what it does not use. */
static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(m) ? NULL : m;
}

/* A setting in words, for the line that refuses it. */
static const char *in_words(const cJSON *m, char *buf, size_t n)
{
    if (cJSON_IsString(m)) snprintf(buf, n, "\"%.40s\"", m->valuestring);
    else if (cJSON_IsNumber(m)) snprintf(buf, n, "%.10g", m->valuedouble);
    else if (cJSON_IsBool(m)) snprintf(buf, n, "%s", cJSON_IsTrue(m) ? "true" : "false");
    else snprintf(buf, n, "%s", !m ? "nothing" : cJSON_IsArray(m) ? "another list" : "other members");
    return buf;
}

static saint_status unsupported(const cJSON *config, const char *what, const char *key, const char *expected, saint_error *err)
{
    char found[64];
    return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected '%s' to be %s, found %s; this engine does not implement it, take another model",
                      what, key, expected, in_words(member(config, key), found, sizeof found));
}

static saint_status malformed(const cJSON *config, const char *what, const char *key, const char *expected, saint_error *err)
{
    char found[64];
    return saint_fail(err, SAINT_FORMAT, "%s: expected '%s' to be %s, found %s; take the file as published", what, key, expected,
                      in_words(member(config, key), found, sizeof found));
}

static saint_status read_flag(const cJSON *config, const char *key, bool *value, const char *what, saint_error *err)
{
    return member(config, key) ? saint_json_bool(config, key, value, what, err) : SAINT_OK;
}

/* Three numbers in low..high, or one for all channels where timm and transformers allow it. */
static saint_status read_triple(const cJSON *config, const char *key, double low, double high, double out[3], bool *there, const char *what,
                                saint_error *err)
{
    const cJSON *m = member(config, key);
    *there = m != NULL;
    if (!m) return SAINT_OK;
    int n = cJSON_IsArray(m) ? cJSON_GetArraySize(m) : 1;
    if (n != 3 && n != 1) return malformed(config, what, key, "one number or three", err);
    for (int c = 0; c < 3; c++) {
        const cJSON *v = cJSON_IsArray(m) ? cJSON_GetArrayItem(m, n == 3 ? c : 0) : m;
        if (!cJSON_IsNumber(v) || !(v->valuedouble >= low) || !(v->valuedouble <= high))
            return malformed(config, what, key, low == 0 ? "numbers of 0 to 1" : "numbers above 0", err);
        out[c] = v->valuedouble;
    }
    return SAINT_OK;
}

static saint_status read_statistics(const cJSON *config, const char *mean_key, const char *std_key, const char *what, saint_preproc *p,
                                    saint_error *err)
{
    double v[3];
    bool there;
    saint_status s = read_triple(config, mean_key, 0, 1, v, &there, what, err);
    for (int c = 0; s == SAINT_OK && there && c < 3; c++) {
        p->mean[c] = (float)v[c];
        p->pad[c] = (uint8_t)(v[c] * 255); /* int(x * 255) of LLaVA's expand2square */
    }
    if (s == SAINT_OK) s = read_triple(config, std_key, 1e-6, 1e6, v, &there, what, err);
    for (int c = 0; s == SAINT_OK && there && c < 3; c++) p->std[c] = (float)v[c];
    return s;
}

typedef struct {
    const char *name;
    bool square_int; /* a plain number as size means both sides */
    bool crops, pads;
} processor;

static const processor *processor_named(const char *name)
{
    static const processor known[] = {{"CLIPImageProcessor", false, true, false},  {"CLIPFeatureExtractor", false, true, false},
                                      {"LlavaImageProcessor", false, true, true},  {"ViTImageProcessor", true, false, false},
                                      {"ViTFeatureExtractor", true, false, false}, {"DeiTImageProcessor", true, true, false},
                                      {"DeiTFeatureExtractor", true, true, false}, {"SiglipImageProcessor", true, false, false}};
    if (!name) return known;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        /* "...Fast" does the same on a GPU: torchvision's antialiased resize, within a level of Pillow's. */
        size_t n = strlen(known[i].name);
        if (strncmp(name, known[i].name, n) == 0 &&
            (strcmp(name + n, "") == 0 || strcmp(name + n, "Fast") == 0 || strcmp(name + n, "Pil") == 0))
            return &known[i];
    }
    return NULL;
}

/* An edge as a number, or as {"height": n, "width": n}; *value is left alone when the key is missing. */
static saint_status read_edge(const cJSON *config, const char *key, int *value, bool *both, const char *what, saint_error *err)
{
    const cJSON *m = member(config, key);
    *both = false;
    if (!m) return SAINT_OK;
    if (cJSON_IsNumber(m)) return saint_json_int(config, key, 1, LARGEST_INPUT, value, what, err);
    if (!cJSON_IsObject(m)) return malformed(config, what, key, "a number or an object", err);
    if (member(m, "height") && member(m, "width")) {
        int height = 0;
        saint_status s = saint_json_int(m, "height", 1, LARGEST_INPUT, &height, what, err);
        if (s == SAINT_OK) s = saint_json_int(m, "width", 1, LARGEST_INPUT, value, what, err);
        if (s == SAINT_OK && height != *value) return unsupported(config, what, key, "equal height and width", err);
        *both = true;
        return s;
    }
    if (member(m, "shortest_edge") && !member(m, "longest_edge"))
        return saint_json_int(m, "shortest_edge", 1, LARGEST_INPUT, value, what, err);
    return unsupported(config, what, key, "shortest_edge, or height and width", err);
}

/* Settings that are not in the table of the caller and change the pixels. */
static saint_status refuse_unknown(const cJSON *config, const char *what, saint_error *err)
{
    static const char *const known_flags[] = {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb", "do_pad"};
    static const char *const changing[] = {"image_grid_pinpoints", "crop_pct",          "size_divisor",    "max_image_tiles",
                                           "max_image_size",       "max_patches",       "min_pixels",      "max_pixels",
                                           "ensure_multiple_of",   "keep_aspect_ratio", "crop_to_patches", "max_slice_nums"};
    const cJSON *m;
    cJSON_ArrayForEach(m, config)
    {
        bool bad = false;
        if (!m->string || cJSON_IsNull(m) || cJSON_IsFalse(m)) continue;
        for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) bad |= strcmp(m->string, changing[i]) == 0;
        if (strncmp(m->string, "do_", 3) == 0) {
            bad = true;
            for (size_t i = 0; i < sizeof known_flags / sizeof *known_flags; i++) bad &= strcmp(m->string, known_flags[i]) != 0;
        }
        if (bad)
            return saint_fail(err, SAINT_UNSUPPORTED,
                              "%s: expected only settings of CLIPImageProcessor and its kin, found '%s', which this "
                              "engine does not implement",
                              what, m->string);
    }
    return SAINT_OK;
}

static saint_status read_geometry(const cJSON *config, const processor *kind, const char *what, saint_preproc *p, saint_error *err)
{
    bool resize = true, crop = kind->crops, pad = false, both_size, both_crop;
    int side = p->side;
    saint_status s = read_flag(config, "do_resize", &resize, what, err);
    if (s == SAINT_OK) s = read_flag(config, "do_center_crop", &crop, what, err);
    if (s == SAINT_OK) s = read_flag(config, "do_pad", &pad, what, err);
    if (s == SAINT_OK) s = read_edge(config, "size", &p->resize, &both_size, what, err);
    if (s == SAINT_OK) s = read_edge(config, "crop_size", &side, &both_crop, what, err);
    if (s != SAINT_OK) return s;
    if (!resize) return unsupported(config, what, "do_resize", "true", err);
    if (pad && !kind->pads) return unsupported(config, what, "do_pad", "false", err);
    const cJSON *size = member(config, "size");
    if (size) p->fit = both_size || (cJSON_IsNumber(size) && kind->square_int) ? SAINT_FIT_STRETCH : SAINT_FIT_CROP;
    if (pad) p->fit = SAINT_FIT_PAD;
    if (!crop && p->fit == SAINT_FIT_CROP)
        return unsupported(config, what, "do_center_crop", "true where the size is a shortest edge", err);
    p->side = crop ? side : p->resize;
    if (p->side > p->resize) return unsupported(config, what, "crop_size", "a crop no larger than the resized picture", err);
    p->rounding = SAINT_ROUND_HF;
    return SAINT_OK;
}

static saint_status read_values(const cJSON *config, const char *what, saint_preproc *p, saint_error *err)
{
    bool rescale = true, normalize = true;
    double factor = 1.0 / 255.0;
    int resample = p->filter == SAINT_RESAMPLE_BICUBIC ? 3 : 2;
    saint_status s = read_flag(config, "do_rescale", &rescale, what, err);
    if (s == SAINT_OK) s = read_flag(config, "do_normalize", &normalize, what, err);
    if (s == SAINT_OK && member(config, "rescale_factor")) s = saint_json_double(config, "rescale_factor", &factor, what, err);
    if (s == SAINT_OK && member(config, "resample")) s = saint_json_int(config, "resample", 0, 100, &resample, what, err);
    if (s == SAINT_OK) s = read_statistics(config, "image_mean", "image_std", what, p, err);
    if (s != SAINT_OK) return s;
    if (!rescale) return unsupported(config, what, "do_rescale", "true", err);
    if (!(fabs(factor - 1.0 / 255.0) < 1e-8)) return unsupported(config, what, "rescale_factor", "1/255", err);
    if (resample != 2 && resample != 3) return unsupported(config, what, "resample", "2 (bilinear) or 3 (bicubic)", err);
    p->filter = resample == 3 ? SAINT_RESAMPLE_BICUBIC : SAINT_RESAMPLE_BILINEAR;
    for (int c = 0; !normalize && c < 3; c++) {
        p->mean[c] = 0;
        p->std[c] = 1;
    }
    return SAINT_OK;
}

saint_status saint_preproc_from_hf(const cJSON *config, const char *what, saint_preproc *p, saint_error *err)
{
    const char *type = NULL;
    if (!cJSON_IsObject(config))
        return saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object, found another value; take the file as published", what);
    saint_status s = SAINT_OK;
    if (member(config, "feature_extractor_type")) s = saint_json_string(config, "feature_extractor_type", &type, what, err);
    if (s == SAINT_OK && member(config, "image_processor_type")) s = saint_json_string(config, "image_processor_type", &type, what, err);
    if (s != SAINT_OK) return s;
    const processor *kind = processor_named(type);
    if (!kind)
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s: expected the image processor of CLIP, LLaVA, ViT, DeiT or SigLIP, found '%s', which this "
                          "engine does not implement",
                          what, type);
    saint_preproc q = *p; /* *p changes as a whole or not at all */
    s = refuse_unknown(config, what, err);
    if (s == SAINT_OK) s = read_geometry(config, kind, what, &q, err);
    if (s == SAINT_OK) s = read_values(config, what, &q, err);
    if (s == SAINT_OK) *p = q;
    return s;
}

static saint_status read_timm_size(const cJSON *cfg, const char *what, saint_preproc *p, saint_error *err)
{
    const cJSON *size = member(cfg, "input_size");
    double crop_pct = 0.875; /* timm's DEFAULT_CROP_PCT */
    if (size) {
        const cJSON *c = cJSON_GetArrayItem(size, 0), *h = cJSON_GetArrayItem(size, 1), *w = cJSON_GetArrayItem(size, 2);
        if (!cJSON_IsArray(size) || cJSON_GetArraySize(size) != 3 || !cJSON_IsNumber(c) || !cJSON_IsNumber(h) || !cJSON_IsNumber(w))
            return malformed(cfg, what, "input_size", "[3, height, width]", err);
        if (c->valuedouble != 3 || h->valuedouble != w->valuedouble)
            return unsupported(cfg, what, "input_size", "three channels and a square", err);
        if (!(h->valuedouble >= 1) || !(h->valuedouble <= LARGEST_INPUT) || h->valuedouble != floor(h->valuedouble))
            return malformed(cfg, what, "input_size", "whole numbers of 1 to 4096", err);
        p->side = (int)h->valuedouble;
    }
    if (member(cfg, "crop_pct")) {
        saint_status s = saint_json_double(cfg, "crop_pct", &crop_pct, what, err);
        if (s != SAINT_OK) return s;
        if (!(crop_pct > 0) || !(crop_pct <= 1)) return unsupported(cfg, what, "crop_pct", "a crop of above 0 and at most 1", err);
    }
    if (size || member(cfg, "crop_pct")) {
        double edge = floor(p->side / crop_pct);
        if (!(edge <= LARGEST_INPUT)) return unsupported(cfg, what, "crop_pct", "a resized edge of at most 4096", err);
        p->resize = (int)edge;
    }
    return SAINT_OK;
}

saint_status saint_preproc_from_timm(const cJSON *pretrained_cfg, const char *what, saint_preproc *p, saint_error *err)
{
    const char *interpolation = p->filter == SAINT_RESAMPLE_BICUBIC ? "bicubic" : "bilinear", *mode = "center";
    saint_preproc q = *p;
    if (!cJSON_IsObject(pretrained_cfg))
        return saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object, found another value; take the file as published", what);
    saint_status s = read_timm_size(pretrained_cfg, what, &q, err);
    if (s == SAINT_OK && member(pretrained_cfg, "interpolation"))
        s = saint_json_string(pretrained_cfg, "interpolation", &interpolation, what, err);
    if (s == SAINT_OK && member(pretrained_cfg, "crop_mode")) s = saint_json_string(pretrained_cfg, "crop_mode", &mode, what, err);
    if (s == SAINT_OK) s = read_statistics(pretrained_cfg, "mean", "std", what, &q, err);
    if (s != SAINT_OK) return s;
    if (strcmp(mode, "center") != 0) return unsupported(pretrained_cfg, what, "crop_mode", "\"center\"", err);
    if (strcmp(interpolation, "bicubic") != 0 && strcmp(interpolation, "bilinear") != 0)
        return unsupported(pretrained_cfg, what, "interpolation", "\"bicubic\" or \"bilinear\"", err);
    q.filter = strcmp(interpolation, "bicubic") == 0 ? SAINT_RESAMPLE_BICUBIC : SAINT_RESAMPLE_BILINEAR;
    q.fit = SAINT_FIT_CROP;
    q.rounding = SAINT_ROUND_TORCHVISION;
    *p = q;
    return SAINT_OK;
}
