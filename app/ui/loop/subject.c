/* What is looked at: samples of a data set, single pictures, folders; the question that is asked. */
#define _GNU_SOURCE
#include "datasets/guess.h"
#include "defaults.h"
#include "ui/loop/core.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char plain_question[] = "What is in the image?";

struct ui_subjects {
    ui_data *data;        /* shown, or about to be: u->subject.data is its set */
    ui_picture *picture;  /* u->subject.image is its image */
    uint64_t data_ticket, picture_ticket;
    size_t shown_sample;  /* of the data set */
    size_t wanted;        /* sample of the data set whose picture is being opened */
    char *first_uid;      /* sample to begin with when the data set opens; NULL = the first */
    char *wanted_question; /* instead of the picture's own, when it is there */
    bool from_file;       /* what is being opened is a single picture */
    bool shows_file;      /* what is shown is one */
    bool embedded;        /* the data set is the one that nobody named */
    bool asked;           /* the question is the user's own */
    uint32_t *filter;     /* u->subject.filter */
    char *filter_text;    /* what it was made from */
    bool filter_changed;  /* samples whose answer changed: grows while they are found */
    uint64_t versions;
};

ui_subjects *ui_subjects_open(void) { return calloc(1, sizeof(ui_subjects)); }

static void set_text(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    free(*to);
    *to = copy;
}

static void drop_filter(ui *u)
{
    ui_subjects *s = u->core->subjects;
    free(s->filter);
    free(s->filter_text);
    s->filter = NULL;
    s->filter_text = NULL;
    s->filter_changed = false;
    u->subject.filter = NULL;
    u->subject.count = u->subject.data ? saint_dataset_count(u->subject.data) : 0;
}

void ui_subjects_close(ui *u)
{
    ui_subjects *s = u->core->subjects;
    if (!s) return;
    free(s->filter);
    free(s->filter_text);
    free(s->first_uid);
    free(s->wanted_question);
    ui_data_unref(s->data);
    ui_picture_unref(s->picture);
    free(s);
    free(u->subject.data_name);
    free(u->subject.file);
    free(u->subject.question);
    free(u->subject.answers);
    free(u->subject.pixels);
    u->subject = (ui_subject){0};
    u->core->subjects = NULL;
}

static void tell_modules(ui *u)
{
    ui_stop_guests(u, "the picture or the question changed");
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->subject) ui_module_at(i)->subject(u);
}

/* ---- what arrives ---- */

static size_t sample_index(const ui *u, size_t i) { return u->subject.filter ? u->subject.filter[i] : i; }

static char *join(const char *const *text, size_t n)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++) size += strlen(text[i]) + 2;
    char *out = malloc(size);
    if (!out) return NULL;
    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        if (i) strcat(out, ", ");
        strcat(out, text[i]);
    }
    return out;
}

/* Its place in the filter; 0 when it is not in there. */
static size_t place_of(const ui *u, size_t sample)
{
    size_t at = 0;
    if (!u->subject.filter) return sample;
    while (at < u->subject.count && u->subject.filter[at] != sample) at++;
    return at < u->subject.count ? at : 0;
}

/* Question and answers of a sample; the prompt is what the published harness sends. */
static void take_sample(ui *u, size_t sample)
{
    saint_error e = {0};
    saint_sample s;
    char *prompt = NULL;
    ui_subject *to = &u->subject;
    if (saint_dataset_item(to->data, sample, &s, &e) != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s", e.text);
        return;
    }
    set_text(&to->file, s.uid);
    free(to->answers);
    to->answers = s.n_answers ? join(s.answers, s.n_answers) : NULL;
    saint_sample_free(&s);
    if (saint_dataset_prompt(to->data, sample, &prompt, &e) != SAINT_OK) ui_say(u, SAINT_UI_SAY_WARN, "%s", e.text);
    if (prompt && *prompt) set_text(&to->question, prompt);
    else if (!to->question) set_text(&to->question, plain_question); /* a folder of pictures: the last question stays */
    free(prompt);
    to->at = place_of(u, sample);
    u->core->subjects->shown_sample = sample;
}

static void take_pixels(ui *u, ui_loaded *l)
{
    free(u->subject.pixels);
    u->subject.pixels = l->pixels;
    l->pixels = NULL;
    u->subject.rect = l->rect;
}

/* A sample whose picture cannot be read is shown as that, and not as the picture before it. */
static void take_missing(ui *u, const saint_error *why)
{
    ui_subjects *s = u->core->subjects;
    ui_subject *to = &u->subject;
    ui_picture_unref(s->picture);
    s->picture = NULL;
    free(to->pixels);
    to->pixels = NULL;
    to->image = (saint_image){0};
    to->rect = (saint_view_rect){0};
    to->error = *why;
    to->version = ++s->versions;
    s->shows_file = s->asked = false;
    set_text(&s->wanted_question, NULL);
    take_sample(u, s->wanted);
    saint_ui_photo_cache_reset(&u->photo);
    saint_ui_photo_cache_reset(&u->photo_b);
    tell_modules(u);
    ui_changed(u);
}

static void take_picture(ui *u, ui_loaded *l)
{
    ui_subjects *s = u->core->subjects;
    ui_subject *to = &u->subject;
    if (l->ticket != s->picture_ticket) return; /* somebody went on meanwhile */
    to->loading = false;
    ui_redraw(u);
    if (l->error.code != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s", l->error.text);
        if (!s->from_file && l->data) take_missing(u, &l->error);
        return;
    }
    to->error = (saint_error){0};
    bool other = l->picture != s->picture;
    if (other) {
        ui_picture_unref(s->picture);
        s->picture = l->picture;
        l->picture = NULL;
        to->image = s->picture->image;
        saint_ui_photo_cache_reset(&u->photo);
        saint_ui_photo_cache_reset(&u->photo_b);
        to->version = ++s->versions;
        s->shows_file = s->from_file;
        if (s->from_file) {
            set_text(&to->file, l->file);
            set_text(&to->answers, NULL);
            if (!to->question) set_text(&to->question, plain_question);
        } else {
            take_sample(u, s->wanted);
        }
        s->asked = s->wanted_question != NULL || (s->asked && s->from_file);
        if (s->wanted_question) set_text(&to->question, s->wanted_question);
        set_text(&s->wanted_question, NULL);
    }
    bool fits = l->pixels && l->pixels_for == u->model;
    if (fits) take_pixels(u, l);
    else if (other) {
        free(to->pixels);
        to->pixels = NULL;
        to->rect = (saint_view_rect){0};
    }
    if (other) tell_modules(u);
    if (fits) ui_changed(u);
    else if (u->model) ui_subject_model(u);
}

/* The first embedded picture, while the others are being made. */
static void take_first(ui *u, ui_loaded *l)
{
    ui_subjects *s = u->core->subjects;
    if (l->ticket != s->data_ticket || s->picture || s->picture_ticket) return;
    s->picture = l->picture;
    l->picture = NULL;
    u->subject.image = s->picture->image;
    u->subject.version = ++s->versions;
    u->subject.loading = false;
    set_text(&u->subject.file, "OCR/0001.png#0");
    set_text(&u->subject.question, l->file);
    saint_ui_photo_cache_reset(&u->photo);
    tell_modules(u);
    ui_subject_model(u);
    ui_redraw(u);
}

void ui_subject_model(ui *u)
{
    ui_subjects *s = u->core->subjects;
    free(u->subject.pixels);
    u->subject.pixels = NULL;
    u->subject.rect = (saint_view_rect){0};
    /* A picture that is on its way was asked for without this model: it comes back here when it is there. */
    if (u->model && s->picture && !u->subject.loading) s->picture_ticket = ui_loader_prepare(u->loader, s->picture, u->model);
}

static void take_data(ui *u, ui_loaded *l)
{
    ui_subjects *s = u->core->subjects;
    if (l->ticket != s->data_ticket) return;
    if (l->error.code != SAINT_OK) {
        u->subject.loading = false;
        ui_say(u, SAINT_UI_SAY_BAD, "%s", l->error.text);
        return;
    }
    ui_data_unref(s->data);
    s->data = l->data;
    l->data = NULL;
    u->subject.data = s->data->set;
    set_text(&u->subject.data_name, s->data->name);
    drop_filter(u);
    ui_scan_data(u);
    const saint_dataset_info *info = saint_dataset_get_info(s->data->set);
    for (size_t i = 0; i < info->n_notes; i++) ui_log_add(u, SAINT_UI_SAY_WARN, NULL, info->notes[i]);
    if (l->file) ui_say(u, SAINT_UI_SAY_INFO, "%s (%s): %zu samples; `open images:FOLDER` takes pictures alone", s->data->name, l->file, info->n);
    else ui_report(u, SAINT_UI_SAY_INFO, "%s: %zu samples", s->data->name, info->n);
    if (!info->n) {
        u->subject.loading = false;
        return;
    }
    size_t at = 0;
    if (s->first_uid) saint_dataset_find(s->data->set, s->first_uid, &at);
    set_text(&s->first_uid, NULL);
    char *question = s->wanted_question;
    s->wanted_question = NULL;
    ui_show_sample(u, at);
    s->wanted_question = question;
}

void ui_subject_loaded(ui *u, ui_loaded *l)
{
    if (l->kind == UI_LOADED_PROGRESS) {
        if (l->ticket != u->core->subjects->data_ticket) return;
        ui_say_hint(u, "making the embedded pictures, this once: %zu of %zu", l->done, l->total);
    } else if (l->kind == UI_LOADED_DATA) take_data(u, l);
    else if (l->kind == UI_LOADED_AHEAD) ui_scan_loaded(u, l);
    else if (l->kind == UI_LOADED_FIRST) take_first(u, l);
    else take_picture(u, l);
    ui_loaded_free(l);
}

/* ---- what is asked for ---- */

void ui_show_sample(ui *u, size_t i)
{
    ui_subjects *s = u->core->subjects;
    if (!u->subject.data || i >= u->subject.count) return;
    s->wanted = sample_index(u, i);
    s->from_file = false;
    set_text(&s->wanted_question, NULL);
    u->subject.loading = true;
    s->picture_ticket = ui_loader_sample(u->loader, s->data, s->wanted, u->model);
    ui_redraw(u);
}

static void open_data(ui *u, const char *kind_path)
{
    u->core->subjects->embedded = !kind_path;
    u->subject.loading = true;
    u->core->subjects->data_ticket = ui_loader_data(u->loader, kind_path);
    ui_redraw(u);
}

void ui_open(ui *u, const char *path)
{
    ui_subjects *s = u->core->subjects;
    struct stat st;
    char home[4200];
    if (!path) { /* the embedded data set */
        open_data(u, NULL);
        return;
    }
    const char *user = getenv("HOME");
    if (path[0] == '~' && path[1] == '/' && user) {
        snprintf(home, sizeof home, "%s%s", user, path + 1);
        path = home;
    }
    bool there = stat(path, &st) == 0;
    if (ui_has_kind(path)) open_data(u, path);
    else if (default_data_meant(path) && !there) open_data(u, NULL);
    else if (there && (S_ISDIR(st.st_mode) || saint_data_guess(path, NULL) != SAINT_DATA_IMAGES)) open_data(u, path);
    else {
        s->from_file = true;
        u->subject.loading = true;
        s->picture_ticket = ui_loader_file(u->loader, path, u->model);
        ui_redraw(u);
    }
}

void ui_subject_begin(ui *u)
{
    const ui_options *o = u->core->opt;
    const cJSON *kept = u->core->session;
    ui_subjects *s = u->core->subjects;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(kept, "data"), *image = cJSON_GetObjectItemCaseSensitive(kept, "image"),
                *sample = cJSON_GetObjectItemCaseSensitive(kept, "sample"), *question = cJSON_GetObjectItemCaseSensitive(kept, "question");
    if (o->image) {
        ui_open(u, o->image);
        if (o->data) ui_open(u, o->data);
        return;
    }
    if (o->data) {
        ui_open(u, default_data_meant(o->data) ? NULL : o->data);
        return;
    }
    if (cJSON_IsString(question)) set_text(&s->wanted_question, question->valuestring);
    if (cJSON_IsString(image)) {
        ui_open(u, image->valuestring);
        return;
    }
    if (cJSON_IsString(sample)) set_text(&s->first_uid, sample->valuestring);
    ui_open(u, cJSON_IsString(data) ? data->valuestring : NULL);
}

void ui_subject_kept(const ui *u, ui_kept *out)
{
    const ui_subjects *s = u->core->subjects;
    *out = (ui_kept){.data = s->embedded ? NULL : u->subject.data_name};
    if (s->shows_file) out->image = u->subject.file;
    else out->sample = u->subject.file;
    if (s->asked) out->question = u->subject.question;
}

/* ---- actions ---- */

void ui_do_open(ui *u, const char *argument)
{
    if (*argument) ui_open(u, argument);
    else ui_prompt(u, "open ");
}

void ui_do_sample(ui *u, const char *argument)
{
    ui_subject *s = &u->subject;
    size_t i = 0, now = s->loading ? place_of(u, u->core->subjects->wanted) : s->at; /* a held key goes on while pictures load */
    char *end;
    long n = strtol(argument, &end, 10);
    if (!s->count) ui_say(u, SAINT_UI_SAY_BAD, "the filter leaves no sample");
    else if (!*end && end != argument) {
        bool step = argument[0] == '+' || argument[0] == '-';
        long long want = step ? (long long)now + n : (long long)n - 1;
        if (step && (want < 0 || want >= (long long)s->count))
            ui_say(u, SAINT_UI_SAY_INFO, want < 0 ? "this is the first sample" : "this is the last sample");
        else if (want < 0 || want >= (long long)s->count) ui_say(u, SAINT_UI_SAY_BAD, "sample %ld: there are 1 to %zu", n, s->count);
        else ui_show_sample(u, (size_t)want);
    } else if (!saint_dataset_find(s->data, argument, &i)) ui_say(u, SAINT_UI_SAY_BAD, "%s: no sample of that name", argument);
    else {
        size_t at = 0;
        while (s->filter && at < s->count && s->filter[at] != i) at++;
        if (at == s->count) drop_filter(u); /* named, so it is wanted */
        ui_show_sample(u, u->subject.filter ? at : i);
    }
}

/* ---- filter ---- */

ui_data *ui_subject_data(const ui *u) { return u->core->subjects->data; }

bool ui_subject_sample(const ui *u, size_t *sample)
{
    const ui_subjects *s = u->core->subjects;
    if (!u->subject.data || s->shows_file || s->asked || !s->picture) return false;
    if (s->shown_sample >= saint_dataset_count(u->subject.data)) return false;
    *sample = s->shown_sample;
    return true;
}

/* Take a list of samples as the filter; the one on the screen stays where it is in it. */
static void use_filter(ui *u, uint32_t *list, size_t n, const char *text, bool changed)
{
    ui_subjects *s = u->core->subjects;
    drop_filter(u);
    s->filter = list;
    s->filter_text = strdup(text);
    s->filter_changed = changed;
    u->subject.filter = list;
    u->subject.count = n;
    u->subject.at = place_of(u, s->shown_sample);
}

static void all_samples(ui *u)
{
    drop_filter(u);
    u->subject.at = u->core->subjects->shown_sample;
}

static bool contains(const char *text, const char *word, size_t n)
{
    for (; text && *text; text++)
        if (!strncasecmp(text, word, n)) return true;
    return false;
}

static bool has_words(const saint_dataset *d, size_t i, const char *words)
{
    saint_sample s;
    if (saint_dataset_item(d, i, &s, NULL) != SAINT_OK) return false;
    bool all = true;
    while (*words && all) {
        size_t n = strcspn(words, " ");
        bool any = contains(s.uid, words, n) || contains(s.category, words, n) || contains(s.question, words, n);
        for (size_t k = 0; k < s.n_answers && !any; k++) any = contains(s.answers[k], words, n);
        all = any || !n;
        words += n;
        words += strspn(words, " ");
    }
    saint_sample_free(&s);
    return all;
}

const char *ui_filter_text(const ui *u)
{
    const ui_subjects *s = u->core->subjects;
    return s->filter && s->filter_text ? s->filter_text : "";
}

void ui_filter_found(ui *u, size_t sample)
{
    ui_subjects *s = u->core->subjects;
    if (!s->filter_changed) return;
    size_t n = u->subject.count, at = 0;
    while (at < n && s->filter[at] < sample) at++;
    if (at < n && s->filter[at] == sample) return;
    memmove(s->filter + at + 1, s->filter + at, (n - at) * sizeof *s->filter); /* there is room for all */
    s->filter[at] = (uint32_t)sample;
    u->subject.count++;
    if (u->subject.at >= at && u->subject.count > 1 && s->filter[u->subject.at] != s->shown_sample) u->subject.at++;
    ui_redraw(u);
}

void ui_filter_stale(ui *u)
{
    if (!u->core->subjects->filter_changed) return;
    all_samples(u);
    ui_say(u, SAINT_UI_SAY_INFO, "the plan changed: all samples again; `filter changed` looks anew");
}

void ui_do_filter(ui *u, const char *argument)
{
    ui_subjects *s = u->core->subjects;
    const saint_dataset *d = u->subject.data;
    size_t all = saint_dataset_count(d), n = 0;
    char line[SAINT_UI_LINE_MOST];
    if (!*argument) {
        snprintf(line, sizeof line, "filter %s", s->filter_text ? s->filter_text : "");
        ui_prompt(u, line);
        return;
    }
    if (!strcmp(argument, "all")) {
        all_samples(u);
        ui_say(u, SAINT_UI_SAY_INFO, "%zu samples", all);
        return;
    }
    bool changed = !strcmp(argument, "changed");
    uint32_t *list = malloc((all ? all : 1) * sizeof *list);
    if (!list) {
        ui_say(u, SAINT_UI_SAY_BAD, "filter: no memory");
        return;
    }
    for (size_t i = 0; i < all && i < UINT32_MAX; i++)
        if (changed ? ui_scan_of(u, i) == UI_SCAN_CHANGED : has_words(d, i, argument)) list[n++] = (uint32_t)i;
    if (!n && !changed) {
        free(list);
        ui_say(u, SAINT_UI_SAY_BAD, "filter %s: no sample has that", argument);
        return;
    }
    use_filter(u, list, n, argument, changed);
    size_t known = 0;
    for (size_t i = 0; changed && i < all; i++) known += ui_scan_of(u, i) != UI_SCAN_UNKNOWN;
    if (changed) ui_say(u, SAINT_UI_SAY_INFO, "%zu of %zu samples looked at are answered otherwise; `scan` looks at all of them", n, known);
    else ui_say(u, SAINT_UI_SAY_INFO, "%zu of %zu samples", n, all);
    if (n && u->subject.filter[u->subject.at] != s->shown_sample) ui_show_sample(u, 0);
}

void ui_do_question(ui *u, const char *argument)
{
    char line[SAINT_UI_LINE_MOST];
    if (!*argument) {
        snprintf(line, sizeof line, "question %s", u->subject.question ? u->subject.question : "");
        for (char *p = line; *p; p++)
            if (*p == '\n') *p = ' ';
        ui_prompt(u, line);
        return;
    }
    set_text(&u->subject.question, argument);
    u->core->subjects->asked = true;
    tell_modules(u);
    ui_changed(u);
}
