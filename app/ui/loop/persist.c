/* What is kept between two starts: the session, and the lines typed behind ":".
 *
 * session.json is written beside and renamed, so it is the old one or the new one whatever happens. What the command line asked for is for
 * that start: it is not written unless it was changed on the screen. A file that is damaged is named in the log and left alone until the
 * next session takes its place; a member that is damaged counts as missing. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ui/loop/settings_file.h"

enum { SESSION_MOST = 1 << 20, HISTORY_MOST = 1 << 18 };

/* ---- folders ---- */

/* Make a folder and those above it; true when it is there. */
static bool make_folder(char *path)
{
    for (char *p = path + 1;; p++) {
        char c = *p;
        if (c && c != '/') continue;
        *p = 0;
        bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        *p = c;
        if (!ok || !c) return ok;
    }
}

bool ui_path(ui *u, ui_folder folder, const char *name, char *out, size_t size)
{
    static const struct {
        const char *variable, *at_home;
    } places[] = {[UI_CONFIG] = {"XDG_CONFIG_HOME", ".config"}, [UI_STATE] = {"XDG_STATE_HOME", ".local/state"}, [UI_CACHE] = {"XDG_CACHE_HOME", ".cache"}};
    const char *given = getenv(places[folder].variable), *home = getenv("HOME");
    struct stat st;
    int n = -1;
    if (home && (stat(home, &st) != 0 || !S_ISDIR(st.st_mode))) home = NULL; /* nobody wants a home made by a program */
    if (given && given[0] == '/') n = snprintf(out, size, "%s/saint-workbench", given); /* relative ones are to be ignored, says XDG */
    else if (home && home[0] == '/') n = snprintf(out, size, "%s/%s/saint-workbench", home, places[folder].at_home);
    if (n < 0 || (size_t)n + strlen(name) + 2 > size) {
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, "no folder for the session: neither XDG_STATE_HOME nor HOME names a place");
        return false;
    }
    if (!make_folder(out)) {
        char text[4200];
        char *words = NULL;
        int why = errno;
        snprintf(text, sizeof text, "%.4000s: cannot be made: %s; the session is not kept", out, strerror(why));
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, text);
        if (folder == UI_STATE && !u->core->last_words && asprintf(&words, "the session is not kept: %s: cannot be made: %s", out, strerror(why)) >= 0)
            u->core->last_words = words;
        return false;
    }
    snprintf(out + n, size - (size_t)n, "%s%s", *name ? "/" : "", name);
    return true;
}

/* NULL: no session is kept. Scripts begin with none, unless one is named, so that they show the same everywhere. */
static const char *session_path(ui *u, char *out, size_t size)
{
    const ui_options *o = u->core->opt;
    if (o->session_file) return o->session_file;
    if (o->script || o->headless) return NULL;
    return ui_path(u, UI_STATE, "session.json", out, size) ? out : NULL;
}

/* ---- reading ---- */

static const char *text_of(const cJSON *c, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static bool flag_of(const cJSON *c, const char *key, bool otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c, key);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : otherwise;
}

static int number_of(const cJSON *c, const char *key, int least, int most, int otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c, key);
    return cJSON_IsNumber(v) && v->valuedouble >= least && v->valuedouble <= most ? (int)v->valuedouble : otherwise;
}

static void take_plan(ui *u, const cJSON *c, const char *key, ui_plan *p)
{
    saint_error e = {0};
    saint_settings s;
    memset(&s, 0, sizeof s);
    const cJSON *plan = cJSON_GetObjectItemCaseSensitive(c, key);
    if (!plan || cJSON_IsNull(plan)) return;
    if (ui_settings_read(plan, &s, &e) != SAINT_OK) {
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, e.text);
        return;
    }
    memcpy(&p->settings, &s, sizeof s);
    p->set = true;
}

void ui_session_take(ui *u, const cJSON *c)
{
    const ui_options *o = u->core->opt;
    const char *page = text_of(c, "page"), *theme = text_of(c, "theme");
    for (int i = 0; page && saint_ui_page_title(i); i++)
        if (!strcmp(page, saint_ui_page_title(i))) u->page = (saint_ui_page)i;
    u->focus = (saint_ui_pane_id)number_of(c, "focus", SAINT_UI_PANE_STRIP, SAINT_UI_PANE_COUNT - 1, (int)u->focus);
    u->style = (saint_ui_photo_style)number_of(c, "marks", 0, SAINT_UI_PHOTO_STYLES - 1, (int)u->style);
    u->grid_lines = flag_of(c, "grid_lines", u->grid_lines);
    u->sharp = flag_of(c, "sharp", u->sharp);
    u->live = flag_of(c, "live", u->live);
    if (!o->no_mouse) u->mouse = flag_of(c, "mouse", u->mouse);
    u->core->theme = theme ? saint_ui_palette_find(theme) : -1;
    u->cursor.at = number_of(c, "layer", 0, 2 * SAINT_MAX_LAYERS - 1, u->cursor.at);
    u->core->kept_layer = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(c, "layer"));
    u->patch = number_of(c, "patch", -1, SAINT_HAND_MOST - 1, u->patch);
    take_plan(u, c, "plan", &u->plan[UI_NOW]);
    take_plan(u, c, "plan_a", &u->plan[UI_A]);
    const cJSON *modules = cJSON_GetObjectItemCaseSensitive(c, "modules");
    for (int i = 0; ui_module_at(i); i++) {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(modules, ui_module_at(i)->name);
        if (ui_module_at(i)->load && cJSON_IsObject(own)) ui_module_at(i)->load(u, own);
    }
}

static void load_history(ui *u)
{
    char path[4096], *text = NULL;
    size_t n;
    ui_over *o = &u->core->over;
    if (u->core->opt->script || u->core->opt->headless || !ui_path(u, UI_STATE, "history", path, sizeof path)) return;
    if (!saint_file_exists(path) || saint_file_read(path, HISTORY_MOST, &text, &n, NULL) != SAINT_OK) return;
    for (char *line = text, *end; (end = strchr(line, '\n')) && o->n_past < UI_HISTORY_LINES; line = end + 1) {
        *end = 0;
        if (*line && (o->past[o->n_past] = strdup(line))) o->n_past++;
    }
    free(text);
}

void ui_session_load(ui *u)
{
    char path[4096], text[4300];
    saint_error e = {0};
    const char *from = session_path(u, path, sizeof path);
    load_history(u);
    if (!from || !saint_file_exists(from)) return;
    if (saint_json_load(from, SESSION_MOST, &u->core->session, &e) == SAINT_OK && cJSON_IsObject(u->core->session)) {
        ui_session_take(u, u->core->session);
        return;
    }
    snprintf(text, sizeof text, "the last session cannot be read: %.4000s", e.text[0] ? e.text : "it is no object");
    ui_log_add(u, SAINT_UI_SAY_WARN, NULL, text);
    cJSON_Delete(u->core->session);
    u->core->session = NULL;
}

/* ---- writing ---- */

static void put(cJSON *c, const char *key, cJSON *v)
{
    cJSON_DeleteItemFromObjectCaseSensitive(c, key);
    if (v) cJSON_AddItemToObject(c, key, v);
}

static cJSON *text_or_null(const char *text) { return text ? cJSON_CreateString(text) : cJSON_CreateNull(); }

static void put_subject(ui *u, cJSON *c)
{
    const ui_options *o = u->core->opt;
    const ui_subject *s = &u->subject;
    ui_kept kept;
    ui_subject_kept(u, &kept);
    bool as_asked = (o->data && kept.data && !strcmp(o->data, kept.data)) || (o->image && kept.image && !strcmp(o->image, kept.image));
    if (as_asked || (!s->data && !s->image.rgb)) return;
    put(c, "data", text_or_null(kept.data)); /* null: the embedded one */
    put(c, "sample", text_or_null(kept.sample));
    put(c, "image", text_or_null(kept.image));
    put(c, "question", text_or_null(kept.question));
}

static cJSON *session_of(ui *u)
{
    const ui_options *o = u->core->opt;
    cJSON *c = u->core->session ? cJSON_Duplicate(u->core->session, true) : cJSON_CreateObject(), *modules;
    put(c, "version", cJSON_CreateNumber(1));
    put(c, "page", cJSON_CreateString(saint_ui_page_title((int)u->page)));
    put(c, "focus", cJSON_CreateNumber((double)u->focus));
    put(c, "marks", cJSON_CreateNumber((double)u->style));
    put(c, "grid_lines", cJSON_CreateBool(u->grid_lines));
    put(c, "sharp", cJSON_CreateBool(u->sharp));
    put(c, "live", cJSON_CreateBool(u->live));
    if (!o->no_mouse || u->mouse) put(c, "mouse", cJSON_CreateBool(u->mouse));
    if (u->core->theme_chosen) put(c, "theme", cJSON_CreateString(saint_ui_palette_name((int)u->theme.kind)));
    put(c, "layer", cJSON_CreateNumber(u->cursor.at));
    put(c, "patch", cJSON_CreateNumber(u->patch));
    if (u->core->model_chosen) put(c, "model", text_or_null(u->model_name));
    put_subject(u, c);
    const ui_plan *now = &u->plan[UI_NOW], *a = &u->plan[UI_A];
    if (u->info && memcmp(&now->settings, &u->core->asked, sizeof now->settings)) put(c, "plan", ui_settings_write(&now->settings));
    put(c, "plan_a", a->set ? ui_settings_write(&a->settings) : cJSON_CreateNull());
    put(c, "modules", modules = cJSON_CreateObject());
    for (int i = 0; ui_module_at(i); i++) {
        if (!ui_module_at(i)->save) continue;
        cJSON *own = cJSON_CreateObject();
        ui_module_at(i)->save(u, own);
        cJSON_AddItemToObject(modules, ui_module_at(i)->name, own);
    }
    return c;
}

static void save_history(ui *u)
{
    char path[4096];
    ui_over *o = &u->core->over;
    char *text = NULL;
    size_t n = 0;
    if (u->core->opt->script || u->core->opt->headless || !o->n_past || !ui_path(u, UI_STATE, "history", path, sizeof path)) return;
    FILE *f = open_memstream(&text, &n);
    for (int i = 0; f && i < o->n_past; i++) fprintf(f, "%s\n", o->past[i]);
    if (f && fclose(f) == 0) (void)saint_file_write(path, text, n, NULL);
    free(text);
}

/* Write what differs from what was written last. */
static saint_status write_session(ui *u, const char *to, saint_error *err)
{
    ui_core *core = u->core;
    cJSON *c = session_of(u);
    char *text = c ? cJSON_Print(c) : NULL;
    cJSON_Delete(c);
    if (!text) return saint_fail(err, SAINT_MEMORY, "%s: no memory", to);
    saint_status s = core->written && !strcmp(core->written, text) ? SAINT_OK : saint_file_write(to, text, strlen(text), err);
    if (s == SAINT_OK) {
        free(core->written);
        core->written = strdup(text);
    }
    cJSON_free(text);
    return s;
}

void ui_session_save(ui *u)
{
    char path[4096];
    saint_error e = {0};
    const char *to = session_path(u, path, sizeof path);
    save_history(u);
    if (!to || write_session(u, to, &e) == SAINT_OK) return;
    char *words = NULL;
    if (!u->core->last_words && asprintf(&words, "the session is not kept: %s", e.text) >= 0) u->core->last_words = words;
}

/* ---- meanwhile ---- */

/* Behind the last key by so much: not while somebody drags a slider, because a slow disk would be felt. */
static const double SAVE_SECONDS = 1.5;

void ui_session_touched(ui *u)
{
    const ui_options *o = u->core->opt;
    if (!u->core->save_off && !u->core->frozen && !o->script && !o->headless) u->core->save_at = ui_now(u) + SAVE_SECONDS;
}

void ui_session_tick(ui *u)
{
    char path[4096];
    if (u->core->save_at > ui_now(u)) return;
    if (!ui_idle(u)) {
        ui_session_touched(u); /* while a plan changes and runs there is nothing to come back to */
        return;
    }
    u->core->save_at = INFINITY;
    const char *to = session_path(u, path, sizeof path);
    u->core->save_off = !to || write_session(u, to, NULL) != SAINT_OK; /* the end of the program says why */
    if (!u->core->save_off) save_history(u);
}
