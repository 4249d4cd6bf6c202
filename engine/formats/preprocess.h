/* preprocess.h - from a picture to the pixels a network was trained on, equal to the published processors. */
#ifndef SAINT_FORMATS_PREPROCESS_H
#define SAINT_FORMATS_PREPROCESS_H

#include "formats/image.h"
#include "formats/json.h"

typedef enum {
    SAINT_FIT_PAD,    /* LLaVA 'pad': paste centred on a square of the mean colour, then resize */
    SAINT_FIT_CROP,   /* resize the shortest edge, centre crop (CLIPImageProcessor, timm, torchvision) */
    SAINT_FIT_STRETCH /* resize both sides to the target */
} saint_fit;

typedef enum {
    SAINT_ROUND_HF,  /* other edge = int(size * long / short); crop offset floor((h - S) / 2) (transformers CLIPImageProcessor) */
    SAINT_ROUND_TORCHVISION /* same resize; crop offset int(round((h - S) / 2.0)), banker's rounding (torchvision, timm) */
} saint_rounding;

typedef struct {
    int side;   /* network input, square */
    int resize; /* shortest edge before the centre crop; = side for CLIP, int(side / crop_pct) for timm */
    saint_fit fit;
    saint_rounding rounding;
    saint_resample filter;
    float mean[3], std[3]; /* of values in 0..1 */
    uint8_t pad[3];        /* colour of the square canvas: int(mean * 255) */
} saint_preproc;

/* Where the network's square lies on the photo: photo x = x0 + (px / side) * w for input pixel px; parts outside the photo are padding. */
typedef struct {
    double x0, y0, w, h;
} saint_view_rect;

/* pixels: caller's f32 [3, side, side]; value = (rgb / 255 - mean) / std in the order of operations of the published code. rect may be
 * NULL. */
saint_status saint_preprocess(const saint_preproc *p, const saint_image *im, float *pixels, saint_view_rect *rect, saint_error *err);

/* Read a Hugging Face preprocessor_config.json (CLIPImageProcessor) or a timm pretrained_cfg object on top of defaults already in *p.
 * Keys that would change the result and are not implemented are SAINT_UNSUPPORTED by name. */
saint_status saint_preproc_from_hf(const cJSON *config, const char *what, saint_preproc *p, saint_error *err);
saint_status saint_preproc_from_timm(const cJSON *pretrained_cfg, const char *what, saint_preproc *p, saint_error *err);

#endif
