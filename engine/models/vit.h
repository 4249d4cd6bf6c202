/* vit.h - the Vision Transformer in the steps that prune sites cut it into.
 *
 *   embed -> for every block: attend (LN1, attention, residual) -> [prune site] -> mlp (LN2, MLP, residual) -> features or classifier
 *
 * A forward object owns the scratch of one batch; it holds no results. */
#ifndef SAINT_MODELS_VIT_H
#define SAINT_MODELS_VIT_H

#include "models/model.h"
#include "models/rows.h"

typedef struct saint_vit_forward saint_vit_forward;

/* Room for max_rows rows over all images. */
saint_status saint_vit_open(saint_vit_forward **out, saint_backend *b, const saint_model *m, int max_rows, saint_error *err);
void saint_vit_close(saint_vit_forward *f); /* NULL is allowed */

/* rows := patch embedding + class token + position embedding (+ CLIP's pre-LN) of n pictures; pixels f32 host [n, 3, side, side]. */
saint_status saint_vit_embed(saint_vit_forward *f, const float *pixels, int n, saint_rows *rows, saint_error *err);

/* What selection reads of a layer, for all rows of the batch; NULL = not wanted. metric [T, head_dim]: mean over heads of the keys.
 * attention [T]: of each image's class token, mean over heads. On the host, where each is a round trip to a device; or, `here`, in the
 * backend's memory, where nobody waits (for a backend with a chooser). */
typedef struct {
    float *metric, *attention;
    bool here;
} saint_vit_readings;

/* rows.x += attention(LN1(rows.x)) of block `layer`, and what selection reads. */
saint_status saint_vit_attend(saint_vit_forward *f, int layer, saint_rows *rows, const saint_vit_readings *out, saint_error *err);

/* rows.x += MLP(LN2(rows.x)) of block `layer`. */
saint_status saint_vit_mlp(saint_vit_forward *f, int layer, saint_rows *rows, saint_error *err);

/* Classifier logits [n_seqs, classes] on the host. */
saint_status saint_vit_classify(saint_vit_forward *f, const saint_rows *rows, float *logits, saint_error *err);

/* Projector: out f32 backend [n, llm_dim] from rows first..first+n-1 of rows.x. */
saint_status saint_vit_project(saint_vit_forward *f, const saint_rows *rows, int first, int n, float *out, saint_error *err);

#endif
