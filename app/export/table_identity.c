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
    cell_text(t, out, t->s->split);
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
    {{"split", "", "split of the data set; empty = the usual one", 0, -1}, .get = get_split},
    {{"prompt_ver", "", "whose wording the prompts have", 0, -1}, .get = get_prompt},
    {{"dataset_sha256", "", "SHA-256 over questions, answers and names of pictures", 0, -1}, .get = get_data_hash},
    {{"parser", "", "who reads the answers: lmms or official", 0, -1}, .get = get_parser},
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

/* First and last moment that a record was finished. */
GETTER(get_finished)
{
    const sweep_trial *r = table_row_trial(t, row);
    double first = INFINITY, last = 0;
    size_t i, end;
    for (span_of(t, row, &i, &end); i < end; i++) {
        if (!r->result[i]) continue;
        first = fmin(first, r->result[i]->finished);
        last = fmax(last, r->result[i]->finished);
    }
    cell_time(t, out, c->offset ? last : first);
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
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

static const column span_columns[] = {
    {{"first_utc", "", "when its first sample was finished", COLUMN_VARIES, -1}, .get = get_finished, .offset = 0},
    {{"ended_utc", "", "when its last sample was finished", COLUMN_VARIES, -1}, .get = get_finished, .offset = 1},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

static const column finished_column = {
    {"finished_utc", "", "when the record was finished", COLUMN_VARIES, -1}, .get = get_finished, .offset = 1};

bool table_add_place(table *t)
{
    return table_add_all(t, place_columns) && (t->row_sample ? table_add(t, &finished_column) : table_add_all(t, span_columns));
}
