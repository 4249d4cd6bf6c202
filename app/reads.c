#include "reads.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned bit;
    const char *vit, *llm;
} reads[] = {{SAINT_PARAM_KEEP_NUM, "keep_num", "llm_keep_num"}, {SAINT_PARAM_KEEP_RATIO, "keep_ratio", "llm_keep_ratio"},
             {SAINT_PARAM_R, "r", "llm_r"},                      {SAINT_PARAM_SIM_THRESHOLD, "sim_threshold", "saint_threshold"},
             {SAINT_PARAM_K, "K", "saint_K"},                    {SAINT_PARAM_GAMMA, "gamma", "saint_gamma"},
             {SAINT_PARAM_SEED, "seed", "llm_seed"}};

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static unsigned bit_of(const char *name)
{
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        if (is(name, reads[i].vit) || is(name, reads[i].llm)) return reads[i].bit;
    return 0;
}

/* What one site reads: bits of saint_method.params. keep_ratio counts only where keep_num leaves it to it. */
static unsigned read_by(const saint_site *site, const saint_settings *s)
{
    const saint_method *m = saint_method_at(site->method);
    if (!m) return 0;
    const saint_method_params *p = site->stage == SAINT_STAGE_VIT ? &s->vit[site->layer].p : &s->llm[site->layer].p;
    unsigned bits = m->params;
    if (bits & SAINT_PARAM_KEEP_NUM && p->keep_num != -1) bits &= ~(unsigned)SAINT_PARAM_KEEP_RATIO;
    return bits;
}

static bool build(saint_plan *plan, const saint_settings *s, const saint_model_info *m)
{
    if (m && saint_plan_build(plan, s, m, NULL, NULL) == SAINT_OK) return true;
    plan->n_sites = 0;
    return false;
}

uint64_t params_read(const saint_settings *s, const saint_model_info *m)
{
    static const char *const always[] = {"mode", "prune_mode", "llm_prune_mode"};
    static const char *const window[] = {"use_saint", "saint_start", "saint_end", "saint_image_token_length", "saint_sys_length"};
    saint_plan plan;
    bool any_llm = false, llm_on = s->mode == SAINT_MODE_LLM || s->mode == SAINT_MODE_HYBRID;
    unsigned bits[2] = {0, 0};
    uint64_t out = 0;
    (void)build(&plan, s, m);
    for (int i = 0; i < plan.n_sites; i++) {
        bool llm = plan.site[i].stage == SAINT_STAGE_LLM;
        bits[llm] |= read_by(&plan.site[i], s);
        any_llm = any_llm || llm;
    }
    for (int i = 0; saint_param_at(i); i++) {
        const saint_param_info *p = saint_param_at(i);
        bool read = (bit_of(p->name) & bits[is(p->scope, "LLM")]) != 0;
        for (size_t k = 0; k < sizeof always / sizeof *always; k++) read = read || is(p->name, always[k]);
        for (size_t k = 0; k < sizeof window / sizeof *window; k++) /* the window matters where somebody looks through it */
            read = read || (is(p->name, window[k]) && llm_on && (k < 3 || any_llm));
        if (read) out |= (uint64_t)1 << i;
    }
    return out;
}

/* ---- what somebody has set ---- */

/* Whether layer stands in "[0-3,7]"; nothing there means all. The list has been read before and is well formed. */
static bool names_layer(const char *list, long layer)
{
    if (*list != '[') return true;
    for (char *end; *list && *list != ']'; list = end) {
        if (!isdigit((unsigned char)*++list)) return false;
        long first = strtol(list, &end, 10), last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (layer >= first && layer <= last) return true;
    }
    return false;
}

/* How the parameter is read at one site. */
static bool read_at(const saint_param_info *p, const saint_site *site, const saint_settings *s)
{
    bool llm = site->stage == SAINT_STAGE_LLM, vit_only = is(p->scope, "VIT"), llm_only = is(p->scope, "LLM");
    if (is(p->name, "mode")) return true;
    if ((vit_only && llm) || (llm_only && !llm)) return false;
    if (vit_only || llm_only) return is(p->type, "METHOD") || (bit_of(p->name) & read_by(site, s)) != 0;
    return llm; /* use_saint and the window of the LLM */
}

/* Where nothing is pruned on purpose there is nothing to tell. */
static bool asks_for_nothing(const saint_param_info *p, const char *value)
{
    return (is(p->type, "METHOD") && (is(value, "None") || is(value, "none"))) || (is(p->name, "mode") && is(value, "none")) ||
           (is(p->type, "BOOL") && (is(value, "false") || is(value, "off") || is(value, "0") || is(value, "no")));
}

bool assignment_read(const char *assignment, const saint_settings *s, const saint_model_info *m)
{
    const size_t n = strcspn(assignment, "[=");
    const char *value = strchr(assignment, '=');
    const saint_param_info *p = NULL;
    saint_plan plan;
    for (int i = 0; saint_param_at(i) && !p; i++)
        if (strlen(saint_param_at(i)->name) == n && strncmp(saint_param_at(i)->name, assignment, n) == 0) p = saint_param_at(i);
    if (!p || !value || asks_for_nothing(p, value + 1) || !build(&plan, s, m)) return true; /* hand, compat; wrong ones are refused elsewhere */
    for (int i = 0; i < plan.n_sites; i++)
        if (names_layer(assignment + n, plan.site[i].layer) && read_at(p, &plan.site[i], s)) return true;
    return false;
}

/* Whoever sets one end of the range beyond the other moves the other along: good in a field, a surprise where both were typed. */
static bool note_moved_end(const char *assignment, const saint_settings *s, saint_notes *notes)
{
    bool start = strncmp(assignment, "saint_start=", 12) == 0, end = strncmp(assignment, "saint_end=", 10) == 0;
    long asked = start || end ? strtol(strchr(assignment, '=') + 1, NULL, 10) : 0;
    if (!(start && asked > s->saint_end) && !(end && asked < s->saint_start)) return false;
    saint_note(notes, "%s lies %s: the range is %d to %d", assignment, start ? "behind saint_end" : "before saint_start", (int)s->saint_start, (int)s->saint_end);
    return true;
}

void note_unread(const char *assignment, const saint_settings *s, const saint_model_info *m, saint_notes *notes)
{
    saint_plan plan;
    if (note_moved_end(assignment, s, notes) || assignment_read(assignment, s, m)) return;
    int n = (int)strcspn(assignment, "=");
    const char *ratio = strncmp(assignment, "llm_", 4) == 0 ? assignment + 4 : assignment;
    if (strncmp(ratio, "keep_ratio", 10) == 0 && build(&plan, s, m) && plan.n_sites)
        saint_note(notes, "%.*s changes nothing while a number is given: --set '%skeep_num%.*s=-1' leaves it to the ratio", n, assignment,
                   ratio == assignment ? "" : "llm_", (int)strcspn(ratio + 10, "="), ratio + 10);
    else if (build(&plan, s, m) && plan.n_sites)
        saint_note(notes, "%.*s changes nothing: no method that prunes here reads it; `saint methods` says which ones do", n, assignment);
    else
        saint_note(notes, "%.*s changes nothing: no layer prunes; choose where, with a preset, --set mode=llm or --set 'prune_mode[LAYER]=METHOD'",
                   n, assignment);
}
