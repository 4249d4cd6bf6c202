/* speed.h - where the time of a plan goes, what was predicted, and why a gain flattens. Pure functions over counts and measured times.
 *
 * Predictions carry the rates of the unpruned model over to the plan: operations per second for encoder, projector and prefill, bytes per
 * second for decoding, which reads all weights for every token. So a prediction says what the plan would take if it worked as well as the
 * unpruned model does; where the measurement is worse, something flattens the gain, and the notes say what. */
#ifndef SAINT_APP_UI_SPEED_H
#define SAINT_APP_UI_SPEED_H

#include "device_use.h"
#include "ui/speed/measure.h"

/* ---- what a run has to do ---- */

/* Operations (a multiply and an add are two) and bytes. Attention: the part that grows with the square of the rows. */
typedef struct {
    double encoder, encoder_attention; /* encoder: all of it */
    double projector;
    double prefill, prefill_attention, prefill_text; /* prefill: all; text: what its matrices do for rows that are no picture */
    double decode;
    int prefill_rows;               /* that enter the LLM */
    int picture_rows;               /* of those, picture */
    int steps;                      /* decoding steps */
    double llm_weights;             /* bytes of all matrices of the LLM, head included */
    double decode_bytes, decode_kv; /* read by one decoding step: all; of that keys and values */
} speed_work;

/* Picture tokens through the layers: vit[i] enter ViT layer i, vit[layers] leave the last; llm alike, beside text[i] other rows. */
typedef struct {
    int vit[SAINT_MAX_LAYERS + 1], llm[SAINT_MAX_LAYERS + 1], text[SAINT_MAX_LAYERS + 1];
    int steps;   /* decoding steps: answer tokens after the first */
    int kv_size; /* bytes of one cached number */
} speed_counts;
/* Of picture 0 of a finished run. */
speed_counts speed_counts_of(const saint_model_info *m, const saint_trace *t);
speed_work speed_work_of(const saint_model_info *m, const speed_counts *c);

/* ---- rates and predictions ---- */

typedef struct {
    double encoder, projector, prefill; /* operations per second of the unpruned run */
    double bandwidth;                   /* bytes per second of its decoding; NaN: it decoded nothing */
    double preprocess;                  /* seconds */
} speed_rates;
/* seconds [MEASURE_PARTS] of the unpruned run. A part that took no time has rate NaN. */
speed_rates speed_rates_of(const speed_work *base, const double *seconds);
/* Seconds of each part [MEASURE_PARTS]; selection is NaN: it is no part of the unpruned model. */
void speed_predict(const speed_work *w, const speed_rates *r, double *seconds);

/* ---- break-even ---- */

typedef struct {
    saint_stage stage;
    int layer;
    const char *method;
    int n_in, n_out; /* picture tokens */
    double cost;     /* seconds of the selection, as measured */
    double saves;    /* predicted seconds before the first answer token, against a plan that ends before this site */
    int pays_from;   /* tokens it has to drop before it saves more than it costs; -1 = even all would not do */
} speed_site;
/* Sites of picture 0 in order, savings at the unpruned rates: they add up to what the plan as a whole saves there. Returns how many. */
int speed_sites(const saint_model_info *m, const saint_trace *t, const speed_rates *r, speed_site *out, int most);

/* ---- words ---- */

typedef enum { SPEED_UNKNOWN, SPEED_CACHED, SPEED_ONCE, SPEED_MEASURED } speed_source;
/* One plan's times as they are known. */
typedef struct {
    speed_source source;
    int n;                                 /* runs behind the medians */
    measure_value part[MEASURE_TOTAL + 1]; /* by measure_part; a single run has n = 1 and no interval */
    speed_work work;
    bool has_work;
    device_company company; /* while they were taken */
} speed_plan;
/* From one trace; NaN where nothing is known, so also for the projector and all sums when the LLM went on from a checkpoint; t may be NULL.
 */
void speed_plan_of_trace(const saint_model_info *m, const saint_trace *t, speed_plan *out);
/* A projector whose time is not known gets what it takes at the rate of another plan's projector or, where that is not known either, of
 * its encoder: matrices like all others. base may be p. */
void speed_plan_complete(speed_plan *p, const speed_plan *base);
/* From repeated runs, each with so many decoding steps; t (may be NULL) gives the counts. */
void speed_plan_of_runs(const saint_model_info *m, const saint_trace *t, const measure_runs *r, int plan, int steps, speed_plan *out);
/* "measured n=12", "one run", "one run, cached parts", "not run"; ", shared" or ", busy CPUs" behind it */
void speed_source_text(const speed_plan *p, char *out, size_t size);

enum { SPEED_NOTES = 14, SPEED_NOTE = 240 };
typedef struct {
    int n;
    char text[SPEED_NOTES][SPEED_NOTE];
} speed_notes;
/* Break-even first, then the gain against its prediction and its limit, then what bounds what is left. Says what is missing where something
 * is. random may be unknown. ratio: measured speed-up of everything before the first token; median NaN: from the plans' medians. */
void speed_explain(const saint_model_info *m, const saint_trace *t, const speed_plan *now, const speed_plan *base, const speed_plan *random,
                   const measure_value *ratio, speed_notes *out);

#endif
