/* Why an action is not possible now. One line per action and condition; the first one that holds is shown in help, palette and footer. */
#include "ui/loop/core.h"
#include "ui/sweeps/sweeps.h"

static const char *no_model(const ui *u)
{
    if (u->worker) return NULL;
    return u->core->opening ? "the model is being opened" : u->model_error.text[0] ? u->model_error.text : "there is no model";
}

static const char *no_picture(const ui *u)
{
    if (u->subject.image.rgb) return NULL;
    return u->subject.loading ? "the picture is being opened" : u->subject.error.code != SAINT_OK ? "the picture of this sample cannot be opened" : "no picture is open";
}

static const char *no_data(const ui *u) { return u->subject.data ? NULL : "no data set is open; `open KIND:PATH` opens one"; }

static const char *no_language(const ui *u) { return u->info && !u->info->llm_layers ? "this model is a classifier and takes no question" : NULL; }

static const char *no_plan_a(const ui *u) { return u->plan[UI_A].set ? NULL : "no plan is pinned as A yet: a pins the live one"; }

static const char *no_sweep(const ui *u) { return sweeps_selected(u) ? NULL : "there is no sweep; n on the Sweep page defines one from the live plan"; }

static const char *no_runs(const ui *u)
{
    return no_sweep(u) ? no_sweep(u) : sweeps_set(u) ? NULL : "nothing of the sweep has been read yet";
}

static const struct {
    ui_action_id id;
    const char *(*why)(const ui *u);
} reasons[] = {
    {UI_ACTION_run, no_model},
    {UI_ACTION_run, no_picture},
    {UI_ACTION_sample, no_data},
    {UI_ACTION_question, no_language},
    {UI_ACTION_unpin, no_plan_a},
    {UI_ACTION_swap, no_plan_a},
    {UI_ACTION_match, no_model},
    {UI_ACTION_match, no_picture},
    {UI_ACTION_measure, no_model},
    {UI_ACTION_measure, no_picture},
    {UI_ACTION_filter, no_data},
    {UI_ACTION_scan, no_model},
    {UI_ACTION_scan, no_data},
    {UI_ACTION_unpin, no_plan_a},
    {UI_ACTION_swap, no_plan_a},
    {UI_ACTION_match, no_model},
    {UI_ACTION_match, no_picture},
    {UI_ACTION_measure, no_model},
    {UI_ACTION_measure, no_picture},
    {UI_ACTION_sweep_new, no_model},
    {UI_ACTION_sweep_new, no_data},
    {UI_ACTION_sweep_start, no_model},
    {UI_ACTION_sweep_start, no_data},
    {UI_ACTION_sweep_field, no_model},
    {UI_ACTION_sweep_field, no_data},
    {UI_ACTION_sweep_pause, no_sweep},
    {UI_ACTION_sweep_cancel, no_sweep},
    {UI_ACTION_sweep_retry, no_sweep},
    {UI_ACTION_sweep_select, no_sweep},
    {UI_ACTION_filter_runs, no_runs},
    {UI_ACTION_sort_runs, no_runs},
    {UI_ACTION_pareto, no_runs},
    {UI_ACTION_run_load, no_runs},
    {UI_ACTION_run_pin, no_runs},
    {UI_ACTION_runs_csv, no_runs},
};

const char *ui_reason(const ui *u, const ui_action *a)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (ui_action_at((int)reasons[i].id) != a) continue;
        const char *why = reasons[i].why(u);
        if (why) return why;
    }
    return NULL;
}
