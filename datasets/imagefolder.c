/* imagefolder.c - classification (evaluation.md 1.11): <class>/<picture>, class id = rank of the class folder by bytes (as torchvision's
 * ImageFolder and timm have it), pictures in turn from all classes; or the flat ImageNet validation set with Kaggle's LOC_val_solution.csv.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

static bool is_image(const char *folder, const char *name)
{
    (void)folder;
    return saint_is_picture(name);
}

static bool is_folder(const char *folder, const char *name)
{
    char *path = saint_path_join(folder, name);
    bool yes = path && saint_is_folder(path);
    free(path);
    return yes;
}

/* Class names in the order of their ids, owned by the data set. */
static saint_status set_classes(saint_dataset *d, char *const *name, size_t n, saint_error *err)
{
    d->class_name = calloc(n ? n : 1, sizeof *d->class_name);
    if (!d->class_name) return saint_no_memory(err, d->path);
    for (size_t i = 0; i < n; i++) {
        d->class_name[i] = saint_arena_add(&d->text, name[i], strlen(name[i]));
        if (!d->class_name[i]) return saint_no_memory(err, d->path);
    }
    d->info.classes = d->class_name;
    d->info.n_classes = n;
    return SAINT_OK;
}

static saint_status add(saint_dataset *d, const char *name, size_t class_id, saint_error *err)
{
    saint_sample s = {.uid = name,
                      .cluster = name,
                      .answer_index = (int)class_id,
                      .answers = &d->class_name[class_id],
                      .n_answers = 1,
                      .images = &name,
                      .n_images = 1};
    return saint_data_add(d, &s, d->path, err);
}

static saint_status list_class(const char *root, const char *name, saint_list *out, saint_error *err)
{
    char *folder = saint_path_join(root, name);
    saint_status s = folder ? saint_list_folder(folder, is_image, out, err) : saint_no_memory(err, root);
    free(folder);
    return s;
}

/* The first picture of every class, then every second one, ...: the first N samples of a data set should show all its classes. */
static saint_status add_in_turn(saint_dataset *d, const saint_list *files, size_t n_classes, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (size_t turn = 0, added = 1; added && s == SAINT_OK; turn++) {
        added = 0;
        for (size_t i = 0; i < n_classes && s == SAINT_OK; i++) {
            if (turn >= files[i].n) continue;
            char *file = saint_path_join(d->class_name[i], files[i].name[turn]);
            s = file ? add(d, file, i, err) : saint_no_memory(err, d->path);
            free(file);
            added++;
        }
    }
    return s;
}

static saint_status read_folders(saint_dataset *d, const char *root, saint_error *err)
{
    saint_list classes;
    saint_status s = saint_list_folder(root, is_folder, &classes, err);
    if (s != SAINT_OK) return s;
    s = saint_data_root(d, root, NULL, err);
    if (s == SAINT_OK && classes.n < 2)
        s = saint_fail(err, SAINT_FORMAT,
                       "%s: expected one folder of pictures per class, found %zu folders; for a flat ImageNet put LOC_val_solution.csv and "
                       "LOC_synset_mapping.txt beside it",
                       root, classes.n);
    if (s == SAINT_OK) s = set_classes(d, classes.name, classes.n, err);
    saint_list *files = s == SAINT_OK ? calloc(classes.n, sizeof *files) : NULL;
    if (s == SAINT_OK && !files) s = saint_no_memory(err, root);
    for (size_t i = 0; i < classes.n && s == SAINT_OK; i++) s = list_class(root, classes.name[i], &files[i], err);
    if (s == SAINT_OK) s = add_in_turn(d, files, classes.n, err);
    for (size_t i = 0; files && i < classes.n; i++) saint_list_free(&files[i]);
    free(files);
    saint_list_free(&classes);
    return s;
}

/* ---- Kaggle's tables -------------------------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* "n01440764 tench, Tinca tinca" per line: the classes, to be sorted. */
static saint_status read_synsets(saint_dataset *d, const saint_source *src, saint_error *err)
{
    saint_texts all = {0};
    saint_status s = SAINT_OK;
    for (size_t at = 0, line = 1; at < src->n && s == SAINT_OK; line++) {
        const char *p = src->text + at, *newline = memchr(p, '\n', src->n - at);
        size_t n = newline ? (size_t)(newline - p) : src->n - at, word = 0;
        at += n + 1;
        while (word < n && (unsigned char)p[word] > ' ') word++;
        char name[64];
        uint32_t id;
        if (word == 0 && n <= 1) continue;
        if (word == 0 || word >= sizeof name || !saint_utf8_valid(p, word)) {
            s = saint_fail(err, SAINT_FORMAT, "%s: line %zu: expected a class id and its words", src->name, line);
            break;
        }
        memcpy(name, p, word);
        name[word] = 0;
        if (!saint_texts_add(&all, name, &id)) s = saint_no_memory(err, src->name);
    }
    char **sorted = s == SAINT_OK ? malloc((all.n ? all.n : 1) * sizeof *sorted) : NULL;
    if (s == SAINT_OK && !sorted) s = saint_no_memory(err, src->name);
    if (s == SAINT_OK) {
        for (size_t i = 0; i < all.n; i++) sorted[i] = (char *)(uintptr_t)all.name[i];
        qsort(sorted, all.n, sizeof *sorted, by_bytes);
        s = set_classes(d, sorted, all.n, err);
    }
    free(sorted);
    saint_texts_free(&all);
    return s;
}

/* ImageId,"n03995372 85 1 499 272 ": the first word is the class. */
static saint_status add_row(saint_dataset *d, const saint_table *t, saint_error *err)
{
    saint_buf file = {0}, boxes = {0};
    bool ok =
        saint_table_cell(t, 0, &file) && saint_buf_add(&file, ".JPEG", 6) && saint_table_cell(t, 1, &boxes) && saint_buf_add(&boxes, "", 1);
    saint_status s = SAINT_OK;
    if (!ok) s = saint_no_memory(err, t->what);
    else if (memchr(file.data, 0, file.n - 1) || !saint_utf8_valid(file.data, file.n - 1))
        s = saint_fail(err, SAINT_FORMAT, "%s: row %zu: expected a file name", t->what, t->row);
    else {
        boxes.data[strcspn(boxes.data, " ")] = 0;
        const char *key = boxes.data;
        const char **hit = d->info.n_classes ? bsearch(&key, d->class_name, d->info.n_classes, sizeof *d->class_name, by_bytes) : NULL;
        s = hit ? add(d, file.data, (size_t)(hit - d->class_name), err)
                : saint_fail(err, SAINT_FORMAT, "%s: row %zu: expected a class of LOC_synset_mapping.txt, found %.40s", t->what, t->row,
                             key);
    }
    saint_buf_free(&file);
    saint_buf_free(&boxes);
    return s;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    static const saint_source nothing = {"LOC_synset_mapping.txt", "", 0};
    saint_table t;
    saint_table_open(&t, a, ',');
    saint_status s = read_synsets(d, b ? b : &nothing, err);
    for (bool more = true; s == SAINT_OK;) {
        s = saint_table_next(&t, &more, err);
        if (s != SAINT_OK || !more) break;
        if (t.n_cells != 2) s = saint_fail(err, SAINT_FORMAT, "%s: row %zu: expected 2 columns, found %zu", t.what, t.row, t.n_cells);
        else if (t.row > 1) s = add_row(d, &t, err);
    }
    return s;
}

static saint_status open_imagefolder(saint_dataset *d, saint_error *err)
{
    static const char *const where[] = {"ILSVRC/Data/CLS-LOC/val", "val", "."};
    if (!saint_is_folder(d->path)) return saint_fail(err, SAINT_IO, "%s: expected a folder with one folder per class, found none", d->path);
    char *solution = saint_path_join(d->path, "LOC_val_solution.csv"), *mapping = saint_path_join(d->path, "LOC_synset_mapping.txt");
    char *val = saint_path_join(d->path, "val");
    saint_status s = solution && mapping && val ? SAINT_OK : saint_no_memory(err, d->path);
    if (s == SAINT_OK && saint_file_exists(solution)) {
        for (size_t i = 0; i < sizeof where / sizeof *where && s == SAINT_OK; i++) s = saint_data_root(d, d->path, where[i], err);
        if (s == SAINT_OK) s = saint_data_parse_files(d, solution, mapping, err);
    } else if (s == SAINT_OK) s = read_folders(d, saint_is_folder(val) ? val : d->path, err);
    d->mend = "unpack ILSVRC2012_img_val.tar there";
    free(val);
    free(mapping);
    free(solution);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    (void)s;
    (void)out;
    return true; /* a classifier is asked nothing */
}

const saint_adapter saint_adapter_imagefolder = {SAINT_DATA_IMAGEFOLDER, 16, true, open_imagefolder, parse, prompt};
