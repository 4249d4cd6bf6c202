/* table_identity.c - the columns that make a row stand on its own: which sweep, trial and data set, and where its records were made. */
#include <math.h>
#include <string.h>

#include "export/table_internal.h"

GETTER(get_sweep_id)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, t->s->id);
}

GETTER(get_sweep_name)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, t->s->name);
}

GETTER(get_trial_id)
{
    UNUSED_COLUMN;
    text_clear(&t->text);
    text_format(&t->text, "%016llx", (unsigned long long)table_row_trial(t, row)->trial.id);
    cell_written(t, out);
}

GETTER(get_ordinal)
{
    UNUSED_COLUMN;
    cell_integer(out, table_row_trial(t, row)->trial.ordinal);
}

GETTER(get_name)
{
    UNUSED_COLUMN;
    cell_text(t, out, table_row_trial(t, row)->trial.name);
}

GETTER(get_baseline)
{
    UNUSED_COLUMN;
    cell_bool(out, table_row_trial(t, row)->trial.baseline);
}

GETTER(get_twin)
{
    UNUSED_COLUMN;
    if (table_row_trial(t, row)->trial.twin_of >= 0) cell_integer(out, (double)table_row_trial(t, row)->trial.twin_of);
}

GETTER(get_dataset)
{
    (void)row;
    UNUSED_COLUMN;
    text_clear(&t->text);
    if (t->s->data) text_bytes(&t->text, t->s->data, strcspn(t->s->data, ":"));
    cell_written(t, out);
}

GETTER(get_split)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, t->s->split || !t->s->dataset ? t->s->split : saint_data_usual_split(saint_dataset_get_info(t->s->dataset)->kind));
}

GETTER(get_prompt)
{
    (void)row;
    UNUSED_COLUMN;
    if (t->s->dataset) cell_text(t, out, saint_dataset_get_info(t->s->dataset)->prompt_name);
}

GETTER(get_data_hash)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, t->data_hash[0] ? t->data_hash : t->s->data_sha256);
}

GETTER(get_sweep_method)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, t->s->method);
}

GETTER(get_sweep_seed)
{
    static const char *const drawn[] = {"random", "lhs", "sobol"};
    (void)row;
    UNUSED_COLUMN;
    for (size_t i = 0; t->s->method && i < sizeof drawn / sizeof *drawn; i++)
        if (strcmp(t->s->method, drawn[i]) == 0) cell_integer(out, t->s->seed);
}

GETTER(get_parser)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, saint_parser_name(t->s->parser));
}

static const column identity_columns[] = {
    {{"sweep_id", "", "first 16 digits of the SHA-256 of the plan", 0, -1}, .get = get_sweep_id},
    {{"sweep_name", "", "name of the sweep", 0, -1}, .get = get_sweep_name},
    {{"trial_id", "", "first 16 digits of config_sha256", 0, -1}, .get = get_trial_id},
    {{"ordinal", "", "number of the trial in the plan", COLUMN_BRIEF, 0}, .get = get_ordinal},
    {{"name", "", "what differs from the plan's base", COLUMN_BRIEF, -1}, .get = get_name},
    {{"is_baseline", "", "the unpruned model", 0, -1}, .get = get_baseline},
    {{"twin_of", "", "random dropping with the token counts of that ordinal", 0, 0}, .get = get_twin},
    {{"dataset", "", "kind of the data set", 0, -1}, .get = get_dataset},
    {{"split", "", "split of the data set; empty = it has none, or its folder says", 0, -1}, .get = get_split},
    {{"prompt_ver", "", "whose wording the prompts have", 0, -1}, .get = get_prompt},
    {{"dataset_sha256", "", "SHA-256 over questions, answers and names of pictures", 0, -1}, .get = get_data_hash},
    {{"parser", "", "who reads the answers: lmms or official", 0, -1}, .get = get_parser},
    {{"sweep_method", "", "how the configurations were chosen: grid, list, random, lhs, sobol; eval = a single one", 0, -1}, .get = get_sweep_method},
    {{"sweep_seed", "", "seed of drawn configurations (random, lhs, sobol)", 0, -1}, .get = get_sweep_seed},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

bool table_add_identity(table *t) { return table_add_all(t, identity_columns); }

/* ---- where it ran ----------------------------------------------------------------------------------------------------------- */

static const sweep_attempt *attempt_of(const sweep_data *s, uint64_t id)
{
    for (uint64_t i = 0; s->attempt && i < s->n_attempts; i++)
        if (s->attempt[i].id == id) return &s->attempt[i];
    return NULL;
}

/* The records that a row is about: one, or all of the trial. */
static void span_of(const table *t, size_t row, size_t *first, size_t *end)
{
    *first = t->row_sample ? t->row_sample[row] : 0;
    *end = t->row_sample ? *first + 1 : t->s->n_samples;
}

/* What the processes behind the records say, joined by ; where they differ: c->offset is a text of sweep_attempt. */
GETTER(get_attempt_text)
{
    const sweep_trial *r = table_row_trial(t, row);
    text_buf *x = &t->text;
    const sweep_attempt *last = NULL;
    size_t i, end;
    text_clear(x);
    for (span_of(t, row, &i, &end); i < end; i++) {
        if (!r->result[i] || (last && last->id == r->result[i]->attempt)) continue;
        last = attempt_of(t->s, r->result[i]->attempt);
        const char *word = last ? *(const char *const *)(const void *)((const char *)last + c->offset) : NULL;
        if (!word || !*word || (x->n && strstr(x->p, word))) continue;
        if (x->n) text_put(x, "; ");
        text_utf8(x, word);
    }
    cell_written(t, out);
}

/* The number of threads or processes, when all records agree. */
GETTER(get_attempt_number)
{
    const sweep_trial *r = table_row_trial(t, row);
    int found = -1;
    size_t i, end;
    for (span_of(t, row, &i, &end); i < end; i++) {
        const sweep_attempt *a = r->result[i] ? attempt_of(t->s, r->result[i]->attempt) : NULL;
        int n = a ? *(const int *)(const void *)((const char *)a + c->offset) : -1;
        if (n < 0) continue;
        if (found >= 0 && found != n) return;
        found = n;
    }
    if (found >= 0) cell_integer(out, found);
}

/* Whether any of them was built from a changed working tree; empty where none tells. */
GETTER(get_dirty)
{
    const sweep_trial *r = table_row_trial(t, row);
    int found = -1;
    size_t i, end;
    UNUSED_COLUMN;
    for (span_of(t, row, &i, &end); i < end; i++) {
        const sweep_attempt *a = r->result[i] ? attempt_of(t->s, r->result[i]->attempt) : NULL;
        if (a && a->dirty > found) found = a->dirty;
    }
    if (found >= 0) cell_bool(out, found > 0);
}

typedef enum { FIRST_BEGUN, FIRST_FINISHED, LAST_FINISHED } moment;

/* When a record was begun is known where it tells how long it took. */
GETTER(get_moment)
{
    const sweep_trial *r = table_row_trial(t, row);
    double begun = INFINITY, first = INFINITY, last = 0;
    size_t i, end;
    for (span_of(t, row, &i, &end); i < end; i++) {
        const eval_result *e = r->result[i];
        if (!e) continue;
        if (e->s_wall > 0) begun = fmin(begun, e->finished - e->s_wall);
        first = fmin(first, e->finished);
        last = fmax(last, e->finished);
    }
    cell_time(t, out, c->offset == FIRST_BEGUN ? begun : c->offset == FIRST_FINISHED ? first : last);
}

GETTER(get_wall)
{
    const sweep_trial *r = table_row_trial(t, row);
    double sum = 0;
    size_t i, end;
    UNUSED_COLUMN;
    for (span_of(t, row, &i, &end); i < end; i++) {
        if (!r->result[i]) continue;
        if (!(r->result[i]->s_wall > 0)) return; /* a record of before: a part would pass for the whole */
        sum += r->result[i]->s_wall;
    }
    if (sum > 0) cell_number(out, sum);
}

GETTER(get_peak)
{
    const sweep_trial *r = table_row_trial(t, row);
    uint64_t most = 0;
    size_t i, end;
    for (span_of(t, row, &i, &end); i < end; i++) {
        const eval_result *e = r->result[i];
        uint64_t bytes = e ? *(const uint64_t *)(const void *)((const char *)e + c->offset) : 0;
        if (bytes > most) most = bytes;
    }
    if (most) cell_number(out, (double)most / 1048576);
}

/* ---- why times do not count ------------------------------------------------------------------------------------------------- */

GETTER(get_timing_note)
{
    const sweep_trial *r = table_row_trial(t, row);
    const sweep_trial *base = t->s->baseline >= 0 ? &t->s->trial[t->s->baseline] : NULL;
    size_t ranks = 0, others = 0, programs = 0, apart = 0, i, end;
    UNUSED_COLUMN;
    for (span_of(t, row, &i, &end); i < end; i++) {
        const eval_result *e = r->result[i];
        const eval_result *b = base ? base->result[i] : NULL;
        apart += e && b && e->state == EVAL_OK && b->state == EVAL_OK && e->timing_valid && b->timing_valid && e->attempt != b->attempt;
        if (!e || e->state != EVAL_OK || e->timing_valid) continue;
        ranks += e->company == EVAL_WITH_RANKS;
        others += e->company == EVAL_WITH_OTHERS;
        programs += e->company == EVAL_ON_BUSY_CPUS;
    }
    text_clear(&t->text);
    if (ranks) text_format(&t->text, "%zu timed while other processes of this sweep used the device", ranks);
    if (others) text_format(&t->text, "%s%zu timed while another saint used the device", ranks ? ", " : "", others);
    if (programs) text_format(&t->text, "%s%zu timed while other programs took more than a tenth of the CPUs", ranks || others ? ", " : "", programs);
    if (ranks || others || programs) text_put(&t->text, "; for times run it in one process, nothing else running, into another --out");
    if (apart)
        text_format(&t->text, "%s%zu timed in another run than the unpruned model, which tells no speed-up; sweep all of it in one run, into another --out",
                    ranks || others || programs ? "; " : "", apart);
    cell_written(t, out);
}

#define OF(field) .offset = offsetof(sweep_attempt, field)

static const column place_columns[] = {
    {{"app_version", "", "version of saint", 0, -1}, .get = get_attempt_text, OF(version)},
    {{"git_commit", "", "commit it was built from", 0, -1}, .get = get_attempt_text, OF(commit)},
    {{"device_name", "", "device", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(device)},
    {{"driver", "", "its driver", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(driver)},
    {{"kernels", "", "kernels used on it", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(kernels)},
    {{"cpu", "", "CPU", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(cpu)},
    {{"n_threads", "", "threads of a process; empty where processes differ", COLUMN_VARIES, 0}, .get = get_attempt_number, OF(threads)},
    {{"world_size", "", "processes; empty where launches differ", COLUMN_VARIES, 0}, .get = get_attempt_number, OF(world)},
    {{"rank", "", "number of the process; empty where they differ", COLUMN_VARIES, 0}, .get = get_attempt_number, OF(rank)},
    {{"hostname", "", "machine", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(host)},
    {{"os", "", "operating system", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(os)},
    {{"git_dirty", "", "what it was built from differed from that commit", 0, -1}, .get = get_dirty},
    {{"build_flags", "", "compiler and options it was built with", COLUMN_VARIES, -1}, .get = get_attempt_text, OF(build)},
    {{"env_fingerprint", "", "SHA-256 over machine, device, driver, kernels, program and its build", COLUMN_VARIES, -1},
     .get = get_attempt_text,
     OF(fingerprint)},
    {{"peak_rss_mib", "MiB", "most resident memory of its process meanwhile: mapped weights and checkpoints of other configurations count",
      COLUMN_VARIES, 1},
     .get = get_peak,
     .offset = offsetof(eval_result, peak_rss)},
    {{"peak_dev_mib", "MiB", "most memory in use on the accelerator meanwhile, weights included; empty on the CPU", COLUMN_VARIES, 1},
     .get = get_peak,
     .offset = offsetof(eval_result, peak_device)},
    {{"timing_note", "", "why times do not count, and how to have them", COLUMN_VARIES, -1}, .get = get_timing_note},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

static const column span_columns[] = {
    {{"first_utc", "", "when its first sample was finished", COLUMN_VARIES, -1}, .get = get_moment, .offset = FIRST_FINISHED},
    {{"started_utc", "", "when its first sample was begun", COLUMN_VARIES, -1}, .get = get_moment, .offset = FIRST_BEGUN},
    {{"ended_utc", "", "when its last sample was finished", COLUMN_VARIES, -1}, .get = get_moment, .offset = LAST_FINISHED},
    {{"wall_s", "s", "what processes spent on its samples, together; what configurations share counts where it was computed", COLUMN_VARIES, 2},
     .get = get_wall},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

static const column finished_columns[] = {
    {{"finished_utc", "", "when the record was finished", COLUMN_VARIES, -1}, .get = get_moment, .offset = LAST_FINISHED},
    {{"wall_s", "s", "what its process spent on it, waiting for the picture included", COLUMN_VARIES, 4}, .get = get_wall},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

bool table_add_place(table *t) { return table_add_all(t, place_columns) && table_add_all(t, t->row_sample ? finished_columns : span_columns); }
