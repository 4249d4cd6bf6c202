/* saint, saint ui: the workbench. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "ui/loop/core.h"

/* Started eight times over by mpirun or srun, eight screens would fight for one terminal. */
static bool one_of_many(const char **name)
{
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *v = getenv(sizes[i]);
        *name = sizes[i];
        if (v && strtol(v, NULL, 10) > 1) return true;
    }
    return false;
}

/* What can be seen to be wrong before there is a model. -1: nothing. */
static int check_settings(const load_options *l)
{
    saint_error e = {0};
    saint_settings s;
    saint_preset p;
    char path[8192], why[160];
    saint_status st = SAINT_OK;
    saint_settings_default(&s);
    if (l->preset && !preset_path(l->preset, path, sizeof path))
        return cli_usage("ui", "--preset %s: %s", l->preset, preset_unknown(l->preset, why, sizeof why));
    if (l->preset && (st = saint_preset_load(path, &p, &e)) == SAINT_OK) saint_preset_free(&p);
    if (st == SAINT_OK && l->compat) st = saint_settings_set(&s, "compat", l->compat, &e);
    for (int i = 0; i < l->set.n && st == SAINT_OK; i++) st = saint_settings_assign(&s, l->set.v[i], &e);
    return st == SAINT_OK ? -1 : cli_fail("ui", st, &e);
}

int cmd_ui(int argc, char **argv)
{
    ui_options o = {0};
    const cli_option table[] = {LOAD_MODEL_OPTIONS(o.load),
                                {"data", "KIND:PATH", "data set to look at (default: the embedded Scenes test split)", NULL, &o.data, NULL},
                                {"image", "FILE", "a single picture to begin with", NULL, &o.image, NULL},
                                LOAD_SETTINGS_OPTIONS(o.load),
                                LOAD_ENGINE_OPTIONS(o.load),
                                {"theme", "NAME", "dark, light or contrast; default: what the terminal says, else dark", NULL, &o.theme, NULL},
                                {"no-mouse", NULL, "leave the mouse to the terminal", &o.no_mouse, NULL, NULL},
                                {"no-color", NULL, "attributes only, as with NO_COLOR", &o.no_color, NULL, NULL},
                                {"ascii", NULL, "no characters beyond ASCII", &o.ascii, NULL, NULL},
                                {"script", "FILE", "perform the lines of a script; without a terminal it draws nothing and ends with the script", NULL, &o.script, NULL},
                                {"session", "FILE", "another session than the usual one, also for a script", NULL, &o.session_file, NULL},
                                {"record", "FILE", "write what is done as a script", NULL, &o.record, NULL},
                                {0}};
    const cli_command c = {"ui", "the workbench on the screen (also: saint without a command)",
                           "[--model DIR] [--data KIND:PATH] [--image FILE] [--preset NAME] [--script FILE] [--record FILE]", table};
    const char *launcher;
    int leave = cli_parse(&c, argc, argv);
    if (leave >= 0) return leave;
    if (one_of_many(&launcher))
        return cli_usage("ui", "%s=%s: the workbench is one process on one terminal; start it alone, and `saint sweep` under a launcher", launcher, getenv(launcher));
    if (o.load.model && o.load.shape) return cli_usage("ui", "give either --model DIR or --shape NAME");
    if (o.theme && saint_ui_palette_find(o.theme) < 0) return cli_usage("ui", "--theme %s: expected dark, light or contrast", o.theme);
    leave = check_settings(&o.load);
    if (leave >= 0) return leave;
    leave = load_engine_options("ui", &o.load, &o.engine, &o.session);
    if (leave >= 0) return leave;
    /* A quarter of the memory, so that every layer of a few plans stays at hand; 4 GiB hold those of the largest models. */
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t quarter = pages > 0 && page > 0 ? (size_t)pages / 4 * (size_t)page : (size_t)1 << 30;
    o.session.checkpoint_bytes = quarter < (size_t)4 << 30 ? quarter : (size_t)4 << 30;
    return ui_main(&o);
}
