/* engine.h - the public boundary of the inference engine: everything outside engine/ includes this and nothing else of it.
 *
 *   saint_engine *e;  saint_model *m;  saint_session *s;  saint_trace *t;
 *   saint_engine_open(&e, NULL, &err);
 *   saint_model_load(&m, "models/llava-1.5-7b", NULL, &err);
 *   saint_session_open(&s, e, m, &(saint_session_options){.dtype = SAINT_F32, .checkpoint_bytes = 1 << 30}, &err);
 *   saint_settings_set(&request.settings, "prune_mode[19]", "iterative_drop_full_graph", &err);
 *   saint_session_run(s, &request, NULL, &t, &err);         t->image[0].answer, .history.site[..]->kept
 *
 * Status and one-line errors: base/status.h. Parameters: run/params.def. Methods: select/method.h. Results: run/trace.h. */
#ifndef SAINT_ENGINE_H
#define SAINT_ENGINE_H

#include "backend/gemm_bench.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "formats/image.h"
#include "formats/json.h"
#include "formats/npy.h"
#include "models/model.h"
#include "run/cost.h"
#include "run/job.h"
#include "run/look.h"
#include "run/overlay.h"
#include "run/plan.h"
#include "run/preset.h"
#include "run/session.h"
#include "run/settings.h"
#include "run/trace.h"
#include "select/method.h"

#endif
