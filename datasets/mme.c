/* mme.c - MME (evaluation.md 1.1) as released: SPLIT task folders (images/ and questions_answers_YN/) and FLAT ones (pictures and texts
 * side by side), or result files <task>.txt of the official tool. Scenes has the FLAT layout with tasks of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

static const char *const tasks[] = {"OCR",   "artwork",         "celebrity", "code_reasoning",        "color",    "commonsense_reasoning",
                                    "count", "existence",       "landmark",  "numerical_calculation", "position", "posters",
                                    "scene", "text_translation"};

enum { TASKS = sizeof tasks / sizeof *tasks, LINE_MAX = 1 << 16, FILE_MAX = 1 << 26 };

static bool is_text(const char *folder, const char *name)
{
    (void)folder;
    return saint_ends_with(name, ".txt");
}

static bool is_image(const char *folder, const char *name)
{
    (void)folder;
    return saint_is_picture(name);
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *p;
    size_t n, at, line;
    const char *what;
} reader;

static reader reader_open(const saint_source *src)
{
    reader r = {.p = src->text, .n = src->n, .what = src->name};
    if (r.n >= 3 && memcmp(r.p, "\xef\xbb\xbf", 3) == 0) r.at = 3;
    return r;
}

/* The next line that is not empty, cut at tabs into at most `max` fields (the last one takes the rest); *n 0 at the end. buf holds it. */
static saint_status next_line(reader *r, char *buf, char **field, size_t max, size_t *n, saint_error *err)
{
    *n = 0;
    while (r->at < r->n && *n == 0) {
        const char *p = r->p + r->at, *newline = memchr(p, '\n', r->n - r->at);
        size_t len = newline ? (size_t)(newline - p) : r->n - r->at;
        r->at += len + (newline != NULL);
        r->line++;
        while (len && p[len - 1] == '\r') len--;
        size_t inner;
        (void)saint_py_strip(p, len, &inner);
        if (!inner) continue;
        if (len >= LINE_MAX)
            return saint_fail(err, SAINT_FORMAT, "%s: line %zu: expected at most %d bytes, found %zu", r->what, r->line, LINE_MAX - 1, len);
        if (memchr(p, 0, len) || !saint_utf8_valid(p, len))
            return saint_fail(err, SAINT_FORMAT, "%s: line %zu: expected UTF-8 text, found other bytes", r->what, r->line);
        memcpy(buf, p, len);
        buf[len] = 0;
        field[(*n)++] = buf;
        for (char *tab; *n < max && (tab = strchr(field[*n - 1], '\t')); field[(*n)++] = tab + 1) *tab = 0;
    }
    return SAINT_OK;
}

/* "Yes" or "No", whatever its case; NULL when it is neither. */
static const char *label(char *text)
{
    size_t n;
    const char *p = saint_py_strip(text, strlen(text), &n);
    if (n == 3 && (p[0] | 32) == 'y' && (p[1] | 32) == 'e' && (p[2] | 32) == 's') return "Yes";
    return n == 2 && (p[0] | 32) == 'n' && (p[1] | 32) == 'o' ? "No" : NULL;
}

static saint_status add(saint_dataset *d, const char *task, const char *file, const char *image, int k, const char *question,
                        const char *answer, const char *where, saint_error *err)
{
    saint_buf uid = {0}, cluster = {0};
    char number[16];
    (void)snprintf(number, sizeof number, "#%d", k);
    bool ok = saint_buf_text(&cluster, task) && saint_buf_text(&cluster, "/") && saint_buf_add(&cluster, file, strlen(file) + 1) &&
              saint_buf_text(&uid, cluster.data) && saint_buf_add(&uid, number, strlen(number) + 1);
    saint_sample s = {.uid = uid.data,
                      .cluster = cluster.data,
                      .category = task,
                      .question = question,
                      .answer_index = -1,
                      .answers = &answer,
                      .n_answers = 1,
                      .images = &image,
                      .n_images = image ? 1 : 0};
    saint_status status = ok ? saint_data_add(d, &s, where, err) : saint_no_memory(err, where);
    saint_buf_free(&uid);
    saint_buf_free(&cluster);
    return status;
}

/* ---- result files --------------------------------------------------------------------------------------------------- */

/* image TAB question TAB right answer [TAB prediction]: the two lines of a picture are neighbours. */
static saint_status read_results(saint_dataset *d, const char *task, const saint_source *src, saint_error *err)
{
    char *buf = malloc(LINE_MAX), *last = calloc(1, LINE_MAX);
    saint_status s = buf && last ? SAINT_OK : saint_no_memory(err, src->name);
    reader r = reader_open(src);
    for (int k = 0; s == SAINT_OK;) {
        char *f[4], where[1024];
        size_t n;
        s = next_line(&r, buf, f, 4, &n, err);
        if (s != SAINT_OK || n == 0) break;
        (void)snprintf(where, sizeof where, "%s: line %zu", src->name, r.line);
        const char *answer = n >= 3 ? label(f[2]) : NULL;
        if (!answer) {
            s = saint_fail(err, SAINT_FORMAT, "%s: expected image TAB question TAB Yes or No, found %zu columns", where, n);
            break;
        }
        k = strcmp(last, f[0]) == 0 ? k + 1 : 0;
        (void)snprintf(last, LINE_MAX, "%s", f[0]);
        s = add(d, task, f[0], NULL, k, f[1], answer, where, err);
    }
    free(last);
    free(buf);
    return s;
}

static saint_status results_file(saint_dataset *d, const char *task, const char *path, saint_error *err)
{
    char *text;
    size_t n;
    saint_status s = saint_file_read(path, FILE_MAX, &text, &n, err);
    if (s != SAINT_OK) return s;
    s = read_results(d, task, &(saint_source){path, text, n}, err);
    free(text);
    return s;
}

/* ---- question files -------------------------------------------------------------------------------------------------- */

static saint_status read_pair(saint_dataset *d, const char *task, const char *file, const char *image, const saint_source *src,
                              saint_error *err)
{
    char *buf = malloc(LINE_MAX);
    if (!buf) return saint_no_memory(err, src->name);
    saint_status s = SAINT_OK;
    reader r = reader_open(src);
    int k = 0;
    for (; s == SAINT_OK; k++) {
        char *f[3];
        size_t n;
        s = next_line(&r, buf, f, 3, &n, err);
        if (s != SAINT_OK || n == 0) break;
        const char *answer = n == 2 ? label(f[1]) : NULL;
        if (!answer)
            s = saint_fail(err, SAINT_FORMAT, "%s: line %zu: expected question TAB Yes or No, found %zu columns", src->name, r.line, n);
        else if (k == 2) s = saint_fail(err, SAINT_FORMAT, "%s: expected two questions, found a third on line %zu", src->name, r.line);
        else s = add(d, task, file, image, k, f[0], answer, src->name, err);
    }
    free(buf);
    if (s == SAINT_OK && k != 2) s = saint_fail(err, SAINT_FORMAT, "%s: expected two questions, found %d", src->name, k);
    return s;
}

/* The picture of a question file; one that is not there is named as if it were a JPEG and missed when somebody asks for it. */
static char *picture_of(const saint_list *pictures, const char *text)
{
    static const char *const endings[] = {".jpg", ".png", ".jpeg", ".JPG", ".JPEG", ".PNG", ".bmp"};
    size_t stem = strlen(text) - 4;
    char *name = malloc(stem + 8);
    if (!name) return NULL;
    memcpy(name, text, stem);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        strcpy(name + stem, endings[i]);
        if (saint_list_has(pictures, name)) return name;
    }
    strcpy(name + stem, endings[0]);
    return name;
}

static saint_status one_text(saint_dataset *d, const char *task, const char *folder, const char *text, const saint_list *pictures,
                             bool split, saint_error *err)
{
    char *path = saint_path_join(folder, text), *file = picture_of(pictures, text), *body = NULL;
    saint_buf image = {0};
    size_t n = 0;
    bool ok = path && file && saint_buf_text(&image, task) && saint_buf_text(&image, split ? "/images/" : "/") &&
              saint_buf_add(&image, file, strlen(file) + 1);
    saint_status s = ok ? saint_file_read(path, LINE_MAX * 2, &body, &n, err) : saint_no_memory(err, folder);
    if (s == SAINT_OK) s = read_pair(d, task, file, image.data, &(saint_source){path, body, n}, err);
    saint_buf_free(&image);
    free(body);
    free(file);
    free(path);
    return s;
}

/* The files of a task: question files and pictures, and where they lie. */
typedef struct {
    char *folder, *texts, *images;
    saint_list names, pictures;
    bool split;
} task_files;

static void task_close(task_files *t)
{
    saint_list_free(&t->names);
    saint_list_free(&t->pictures);
    free(t->texts);
    free(t->images);
    free(t->folder);
}

/* task_close in any case. */
static saint_status task_open(task_files *t, const char *root, const char *task, saint_error *err)
{
    *t = (task_files){.folder = saint_path_join(root, task)};
    if (!t->folder) return saint_no_memory(err, root);
    t->texts = saint_path_join(t->folder, "questions_answers_YN");
    t->images = saint_path_join(t->folder, "images");
    saint_status s = t->texts && t->images ? SAINT_OK : saint_no_memory(err, root);
    t->split = s == SAINT_OK && saint_is_folder(t->texts);
    if (s == SAINT_OK) s = saint_list_folder(t->split ? t->texts : t->folder, is_text, &t->names, err);
    if (s == SAINT_OK && (!t->split || saint_is_folder(t->images)))
        s = saint_list_folder(t->split ? t->images : t->folder, is_image, &t->pictures, err);
    if (s == SAINT_OK && t->names.n == 0)
        s = saint_fail(err, SAINT_FORMAT, "%s: expected question files (.txt), found none; unpack the data set again",
                       t->split ? t->texts : t->folder);
    return s;
}

static saint_status task_read(saint_dataset *d, const char *task, const task_files *t, size_t i, saint_error *err)
{
    return one_text(d, task, t->split ? t->texts : t->folder, t->names.name[i], &t->pictures, t->split, err);
}

static saint_status task_folder(saint_dataset *d, const char *root, const char *task, saint_error *err)
{
    task_files t;
    saint_status s = task_open(&t, root, task, err);
    for (size_t i = 0; s == SAINT_OK && i < t.names.n; i++) s = task_read(d, task, &t, i, err);
    task_close(&t);
    return s;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------ */

/* The folder that has the task folders: zips differ by two levels. */
static char *inner_folder(const char *path)
{
    char *root = saint_path_join(path, "");
    static const char *const inner[] = {"MME_Benchmark_release_version", "MME_Benchmark"};
    for (size_t i = 0; i < 2 && root; i++) {
        char *next = saint_path_join(root, inner[i]);
        if (next && saint_is_folder(next)) {
            free(root);
            root = next;
        } else free(next);
    }
    size_t n = root ? strlen(root) : 0;
    while (n > 1 && root[n - 1] == '/') root[--n] = 0;
    return root;
}

static saint_status open_mme(saint_dataset *d, saint_error *err)
{
    if (!saint_is_folder(d->path)) return saint_fail(err, SAINT_IO, "%s: expected the folder of MME, found none", d->path);
    char *root = inner_folder(d->path);
    saint_status s = root ? saint_data_root(d, root, NULL, err) : saint_no_memory(err, d->path);
    int folders = 0, files = 0;
    for (int i = 0; i < TASKS && s == SAINT_OK; i++) {
        char *folder = saint_path_join(root, tasks[i]), file[64], *results;
        (void)snprintf(file, sizeof file, "%s.txt", tasks[i]);
        results = saint_path_join(root, file);
        if (!folder || !results) s = saint_no_memory(err, root);
        else if (saint_is_folder(folder)) {
            folders++;
            s = task_folder(d, root, tasks[i], err);
        } else if (saint_file_exists(results)) {
            files++;
            s = results_file(d, tasks[i], results, err);
        }
        free(folder);
        free(results);
    }
    if (s == SAINT_OK && !folders && !files)
        s = saint_fail(err, SAINT_FORMAT,
                       "%s: expected MME's task folders (existence/, OCR/ ...) or result files (existence.txt ...), found neither", root);
    else if (s == SAINT_OK && folders && files)
        s = saint_fail(err, SAINT_FORMAT, "%s: expected task folders or result files, found both; name one of them", root);
    else if (s == SAINT_OK && folders + files < TASKS)
        s = saint_data_note(d, err, "%d of MME's %d tasks are there: perception and cognition are sums over those", folders + files, TASKS);
    d->info.has_pictures = folders > 0;
    d->mend = "unpack MME_Benchmark_release_version.zip";
    free(root);
    return s;
}

static bool is_task(const char *folder, const char *name)
{
    char *path = saint_path_join(folder, name);
    saint_list texts = {0};
    bool yes = path && saint_is_folder(path) && saint_list_folder(path, is_text, &texts, NULL) == SAINT_OK && texts.n > 0;
    saint_list_free(&texts);
    free(path);
    return yes;
}

/* Tasks take turns, so that the first N samples are a fair part of the whole. */
static saint_status open_scenes(saint_dataset *d, saint_error *err)
{
    saint_list found = {0};
    saint_status s = saint_list_folder(d->path, is_task, &found, err);
    if (s == SAINT_OK) s = saint_data_root(d, d->path, NULL, err);
    if (s == SAINT_OK && found.n == 0)
        s = saint_fail(err, SAINT_FORMAT,
                       "%s: expected task folders with NNNN.png and NNNN.txt, found none; make them with `saint data scenes`", d->path);
    task_files *task = calloc(found.n + 1, sizeof *task);
    if (s == SAINT_OK && !task) s = saint_no_memory(err, d->path);
    size_t most = 0;
    for (size_t i = 0; i < found.n && s == SAINT_OK; i++) {
        s = task_open(&task[i], d->path, found.name[i], err);
        if (task[i].names.n > most) most = task[i].names.n;
    }
    for (size_t k = 0; k < most; k++)
        for (size_t i = 0; i < found.n && s == SAINT_OK; i++)
            if (k < task[i].names.n) s = task_read(d, found.name[i], &task[i], k, err);
    for (size_t i = 0; task && i < found.n; i++) task_close(&task[i]);
    free(task);
    saint_list_free(&found);
    d->mend = "make the folder again with `saint data scenes`";
    return s;
}

/* First source: a result file. With a second one, the first is a question file and the second is not read. */
static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    return b ? read_pair(d, "existence", "0001.jpg", "existence/0001.jpg", a, err) : read_results(d, "existence", a, err);
}

/* lmms-eval takes the request for yes or no away and asks for a word; LLaVA's question file does the same. */
static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    size_t n;
    const char *p = saint_py_strip(s->question, strlen(s->question), &n);
    saint_buf q = {0};
    bool ok = saint_buf_add(&q, p, n) && saint_buf_add(&q, "", 1) && saint_buf_replace(out, q.data, " Please answer yes or no.", "") &&
              saint_buf_text(out, SAINT_SHORT);
    saint_buf_free(&q);
    return ok;
}

/* Our own data set is asked in its own words: "... Please answer yes or no." */
static bool prompt_as_it_is(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    size_t n;
    const char *p = saint_py_strip(s->question, strlen(s->question), &n);
    return saint_buf_add(out, p, n);
}

const saint_adapter saint_adapter_mme = {SAINT_DATA_MME, 16, true, open_mme, parse, prompt};
const saint_adapter saint_adapter_scenes = {SAINT_DATA_SCENES, 16, true, open_scenes, parse, prompt_as_it_is};
