/* Which pane draws where, and which modules there are.
 *
 * To add a pane: 1. `const ui_pane ui_pane_NAME` in the module, declared in panes.h; 2. a row in `panes` below. A pane without a row is
 * shown as an empty frame with its title, so a page may land before all its panes do.
 * To add a module (state of its own, timers, descriptors): 1. `const ui_module ui_module_NAME` in the module, declared in panes.h;
 * 2. its address in `modules` below, in the order in which they open. */
#include "ui/panes.h"

/* page: SAINT_UI_PAGE_COUNT = wherever the layout puts this pane. The first row that fits wins. */
static const struct {
    int page;
    saint_ui_pane_id id;
    const ui_pane *pane;
} panes[] = {
    {SAINT_UI_PAGE_COUNT, SAINT_UI_PANE_LOG, &ui_pane_log},
    {SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_IMAGE, &ui_pane_image},
    {SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_PARAMS, &ui_pane_params},
    {SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_FACTS, &ui_pane_facts},
    {SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_TOKEN, &ui_pane_token},
    {SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_CHART, &ui_pane_scores},
    {SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_CHART_B, &ui_pane_tokens},
    {SAINT_UI_PAGE_COUNT, SAINT_UI_PANE_STRIP, &ui_pane_strip},
    {SAINT_UI_PAGE_COMPARE, SAINT_UI_PANE_IMAGE, &ui_pane_compare_left},
    {SAINT_UI_PAGE_COMPARE, SAINT_UI_PANE_IMAGE_B, &ui_pane_compare_right},
    {SAINT_UI_PAGE_COMPARE, SAINT_UI_PANE_FACTS, &ui_pane_compare_facts},
    {SAINT_UI_PAGE_SPEED, SAINT_UI_PANE_BARS, &ui_pane_speed_bars},
    {SAINT_UI_PAGE_SPEED, SAINT_UI_PANE_STACKS, &ui_pane_speed_stacks},
    {SAINT_UI_PAGE_SPEED, SAINT_UI_PANE_NOTES, &ui_pane_speed_notes},
    {SAINT_UI_PAGE_LAYERS, SAINT_UI_PANE_CHART, &ui_pane_layers_vit},
    {SAINT_UI_PAGE_LAYERS, SAINT_UI_PANE_CHART_B, &ui_pane_layers_llm},
    {SAINT_UI_PAGE_CHARTS, SAINT_UI_PANE_CHART, &ui_pane_chart},
    {SAINT_UI_PAGE_CHARTS, SAINT_UI_PANE_CHART_B, &ui_pane_chart_b},
    {SAINT_UI_PAGE_SWEEP, SAINT_UI_PANE_PROGRESS, &ui_pane_sweep_progress},
    {SAINT_UI_PAGE_SWEEP, SAINT_UI_PANE_RUNS, &ui_pane_sweep_runs},
    {SAINT_UI_PAGE_SWEEP, SAINT_UI_PANE_CHART, &ui_pane_sweep_chart},
};

static const ui_module *const modules[] = {
    &ui_module_inspect,
    &ui_module_plan, /* behind inspect, whose lists it fills */
    &ui_module_compare,
    &ui_module_speed,
    &ui_module_layers,
    &ui_module_sweeps,
    &ui_module_charts,
    &ui_module_twins,
    &ui_module_log,
    &ui_module_scan, /* behind those, whose runs somebody waits for */
    NULL, /* ends the list */
};

const ui_pane *ui_pane_of(saint_ui_page page, saint_ui_pane_id pane)
{
    for (size_t i = 0; i < sizeof panes / sizeof *panes; i++)
        if (panes[i].id == pane && (panes[i].page == (int)page || panes[i].page == SAINT_UI_PAGE_COUNT)) return panes[i].pane;
    return NULL;
}

const ui_module *ui_module_at(int i) { return i >= 0 && (size_t)i < sizeof modules / sizeof *modules ? modules[i] : NULL; }
