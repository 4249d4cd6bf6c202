#define _GNU_SOURCE
#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "formats/checkpoint.h"
#include "formats/torch_zip.h"
#include "formats/unpickle.h"

/* ---- building archives: a zip writer and a pickler, each just large enough ---- */

typedef struct {
    unsigned char b[1 << 14];
    size_t n;
} buffer;

static void put(buffer *o, const void *p, size_t n)
{
    assert_true(o->n + n <= sizeof o->b);
    memcpy(o->b + o->n, p, n);
    o->n += n;
}

static void puts_(buffer *o, const char *s) { put(o, s, strlen(s)); }

static void le(buffer *o, uint64_t v, int width)
{
    unsigned char p[8];
    for (int i = 0; i < width; i++) p[i] = (unsigned char)(v >> (8 * i));
    put(o, p, (size_t)width);
}

typedef struct {
    const char *name;
    const void *data;
    size_t n;
    unsigned method, flags;
} entry;

enum { PLAIN, ZIP64 };

/* Local headers, contents at multiples of 64 as torch writes them, central directory, end record(s). */
static void make_zip(buffer *o, const entry *e, size_t count, int kind)
{
    size_t header[16];
    o->n = 0;
    assert_true(count <= 16);
    for (size_t i = 0; i < count; i++) {
        size_t name_n = strlen(e[i].name), pad = (64 - (o->n + 30 + name_n + 4) % 64) % 64;
        header[i] = o->n;
        puts_(o, "PK\3\4");
        le(o, 0, 2);
        le(o, e[i].flags, 2);
        le(o, e[i].method, 2);
        le(o, 0, 8);
        le(o, 0, 8); /* sizes come behind the data: only the central directory is believed */
        le(o, name_n, 2);
        le(o, pad + 4, 2);
        puts_(o, e[i].name);
        puts_(o, "FB");
        le(o, pad, 2);
        for (size_t k = 0; k < pad; k++) put(o, "Z", 1);
        put(o, e[i].data, e[i].n);
    }
    size_t start = o->n;
    for (size_t i = 0; i < count; i++) {
        bool wide = kind == ZIP64;
        puts_(o, "PK\1\2");
        le(o, 0, 4);
        le(o, e[i].flags, 2);
        le(o, e[i].method, 2);
        le(o, 0, 8);
        le(o, wide ? 0xffffffff : e[i].n, 4);
        le(o, wide ? 0xffffffff : e[i].n, 4);
        le(o, strlen(e[i].name), 2);
        le(o, wide ? 34 : 0, 2);
        le(o, 0, 8); /* comment, disk, attributes */
        le(o, 0, 2);
        le(o, wide ? 0xffffffff : header[i], 4);
        puts_(o, e[i].name);
        if (wide) {
            le(o, 0x7075, 2); /* another extra field first */
            le(o, 2, 2);
            le(o, 0, 2);
            le(o, 1, 2);
            le(o, 24, 2);
            le(o, e[i].n, 8);
            le(o, e[i].n, 8);
            le(o, header[i], 8);
        }
    }
    size_t bytes = o->n - start, end64 = o->n;
    if (kind == ZIP64) {
        puts_(o, "PK\6\6");
        le(o, 44, 8);
        le(o, 0, 4);
        le(o, 0, 8);
        le(o, count, 8);
        le(o, count, 8);
        le(o, bytes, 8);
        le(o, start, 8);
        puts_(o, "PK\6\7");
        le(o, 0, 4);
        le(o, end64, 8);
        le(o, 1, 4);
    }
    puts_(o, "PK\5\6");
    le(o, 0, 4);
    le(o, kind == ZIP64 ? 0xffff : count, 2);
    le(o, kind == ZIP64 ? 0xffff : count, 2);
    le(o, kind == ZIP64 ? 0xffffffff : bytes, 4);
    le(o, kind == ZIP64 ? 0xffffffff : start, 4);
    le(o, 0, 2);
}

static void text(buffer *o, const char *s)
{
    puts_(o, "X");
    le(o, strlen(s), 4);
    puts_(o, s);
}

static void whole(buffer *o, int64_t v)
{
    put(o, "\x8a\x08", 2);
    le(o, (uint64_t)v, 8);
}

typedef struct {
    const char *type; /* "FloatStorage" */
    int64_t count, offset;
    int rank;
    int64_t size[10], stride[10];
    const char *key;
    bool negated;
} spec;

/* A tensor as torch.save pickles it: left on the stack of the pickle. */
static void tensor(buffer *o, const spec *t)
{
    puts_(o, "ctorch._utils\n_rebuild_tensor_v2\n((");
    text(o, "storage");
    puts_(o, "ctorch\n");
    puts_(o, t->type);
    puts_(o, "\n");
    text(o, t->key ? t->key : "0");
    text(o, "cpu");
    whole(o, t->count);
    puts_(o, "tQ");
    whole(o, t->offset);
    puts_(o, "(");
    for (int i = 0; i < t->rank; i++) whole(o, t->size[i]);
    puts_(o, "t(");
    for (int i = 0; i < t->rank; i++) whole(o, t->stride[i]);
    puts_(o, "t\x89"
             "ccollections\nOrderedDict\n)R");
    if (t->negated) {
        puts_(o, "}");
        text(o, "neg");
        puts_(o, "\x88s");
    }
    puts_(o, "tR");
}

static void one_tensor(buffer *pickle, const spec *t)
{
    pickle->n = 0;
    put(pickle, "\x80\x02}", 3);
    text(pickle, "w");
    tensor(pickle, t);
    puts_(pickle, "s.");
}

static buffer pickle, zip;

static saint_status open_buffer(const buffer *z, saint_checkpoint **c, saint_error *e)
{
    void *exact = malloc(z->n ? z->n : 1); /* the sanitizer sees a read one byte outside */
    memcpy(exact, z->b, z->n);
    saint_status s = saint_checkpoint_open_memory(c, exact, z->n, "t.pt", e);
    saint_checkpoint_close(*c);
    *c = NULL;
    free(exact);
    return s;
}

static const float eight[8] = {0, 1, 2, 3, 4, 5, 6, 7};

static void zip_pickle(int kind)
{
    const entry e[] = {{"archive/data.pkl", pickle.b, pickle.n, 0, 0x808},
                       {"archive/byteorder", "little", 6, 0, 0x808},
                       {"archive/data/0", eight, sizeof eight, 0, 0x808}};
    make_zip(&zip, e, 3, kind);
}

/* SAINT_OK: it must be read */
/* SAINT_OK: it must be read */
static void refused(saint_status expected, const char *part)
{
    saint_checkpoint *c = NULL;
    saint_error e = {0};
    saint_status s = open_buffer(&zip, &c, &e);
    if (s != expected) fail_msg("status %d instead of %d: '%s', which should say '%s'", s, expected, e.text, part);
    if (expected != SAINT_OK && (!strstr(e.text, part) || strncmp(e.text, "t.pt: ", 6) != 0))
        fail_msg("'%s' does not say '%s'", e.text, part);
}

static void refused_tensor(saint_status expected, const spec *t, const char *part)
{
    one_tensor(&pickle, t);
    zip_pickle(PLAIN);
    refused(expected, part);
}

/* A pickle body behind PROTO 2, in an archive of its own. */
static void refused_pickle(saint_status expected, const char *body, size_t n, const char *part)
{
    pickle.n = 0;
    put(&pickle, "\x80\x02", 2);
    put(&pickle, body, n);
    zip_pickle(PLAIN);
    refused(expected, part);
}
#define REFUSED_PICKLE(status, body, part) refused_pickle(status, body, sizeof(body) - 1, part)

/* ---- tests ---- */

static void both_kinds_of_zip_are_read_in_place(void **state)
{
    (void)state;
    const spec t = {"FloatStorage", 8, 2, 2, {2, 3}, {3, 1}, NULL, false};
    for (int kind = PLAIN; kind <= ZIP64; kind++) {
        saint_checkpoint *c;
        one_tensor(&pickle, &t);
        zip_pickle(kind);
        unsigned char *at = aligned_alloc(64, (zip.n + 63) / 64 * 64);
        memcpy(at, zip.b, zip.n);
        assert_ok(saint_checkpoint_open_memory(&c, at, zip.n, "t.pt", err));
        assert_int_equal(saint_checkpoint_count(c), 1);
        const saint_tensor *w = saint_checkpoint_find(c, "w");
        assert_true(w->type == SAINT_F32 && w->rank == 2 && w->shape[0] == 2 && w->shape[1] == 3 && w->bytes == 24);
        assert_memory_equal(w->data, eight + 2, 24);
        assert_true((const unsigned char *)w->data > at && (const unsigned char *)w->data < at + zip.n);
        assert_int_equal(saint_checkpoint_copied_bytes(c), 0);
        saint_checkpoint_close(c);
        free(at);
    }
}

static void strides_are_honoured(void **state)
{
    (void)state;
    const struct {
        spec t;
        size_t n, copied;
        float expected[8];
    } v[] = {{{"FloatStorage", 8, 0, 2, {3, 2}, {1, 3}, NULL, false}, 6, 24, {0, 3, 1, 4, 2, 5}},
             {{"FloatStorage", 8, 1, 1, {3}, {3}, NULL, false}, 3, 12, {1, 4, 7}},
             {{"FloatStorage", 8, 3, 3, {1, 4, 1}, {99, 1, 77}, NULL, false}, 4, 0, {3, 4, 5, 6}}, /* extents of 1: stride ignored */
             {{"FloatStorage", 8, 5, 2, {2, 2}, {0, 1}, NULL, false}, 4, 16, {5, 6, 5, 6}},
             {{"FloatStorage", 8, 0, 3, {2, 2, 2}, {1, 4, 2}, NULL, false}, 8, 32, {0, 2, 4, 6, 1, 3, 5, 7}},
             {{"FloatStorage", 8, 7, 0, {0}, {0}, NULL, false}, 1, 0, {7}},
             {{"FloatStorage", 8, 100, 2, {0, 5}, {1, 1}, NULL, false}, 0, 0, {0}}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_checkpoint *c;
        one_tensor(&pickle, &v[i].t);
        zip_pickle(PLAIN);
        unsigned char *at = aligned_alloc(64, (zip.n + 63) / 64 * 64);
        memcpy(at, zip.b, zip.n);
        assert_ok(saint_checkpoint_open_memory(&c, at, zip.n, "t.pt", err));
        const saint_tensor *w = saint_checkpoint_at(c, 0);
        assert_int_equal(w->bytes, 4 * v[i].n);
        assert_memory_equal(w->data, v[i].expected, 4 * v[i].n);
        assert_int_equal(saint_checkpoint_copied_bytes(c), v[i].copied);
        saint_checkpoint_close(c);
        free(at);
    }
}

static void tensors_outside_their_storage_are_refused(void **state)
{
    (void)state;
    const struct {
        spec t;
        saint_status status;
        const char *part;
    } v[] = {
        {{"FloatStorage", 8, 0, 1, {9}, {1}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, 1, 1, {8}, {1}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, 8, 0, {0}, {0}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, 0, 2, {2, 2}, {6, 1}, NULL, false}, SAINT_OK, ""},
        {{"FloatStorage", 8, 0, 2, {2, 2}, {7, 1}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, 0, 2, {3, 2}, {INT64_MAX, 1}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, INT64_MAX, 2, {2, 2}, {INT64_MAX, INT64_MAX}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, 0, 2, {INT64_MAX, INT64_MAX}, {0, 0}, NULL, false}, SAINT_FORMAT, "outside its storage"},
        {{"FloatStorage", 8, 0, 1, {INT64_MAX / 8}, {0}, NULL, false}, SAINT_UNSUPPORTED, "outgrow the file"},
        {{"FloatStorage", 8, 0, 1, {1 << 20}, {0}, NULL, false}, SAINT_UNSUPPORTED, "outgrow the file"},
        {{"FloatStorage", 8, -1, 1, {2}, {1}, NULL, false}, SAINT_FORMAT, "malformed"},
        {{"FloatStorage", 8, 7, 1, {2}, {-1}, NULL, false}, SAINT_FORMAT, "not negative"},
        {{"FloatStorage", 8, 0, 1, {-2}, {1}, NULL, false}, SAINT_FORMAT, "not negative"},
        {{"FloatStorage", 9, 0, 1, {2}, {1}, NULL, false}, SAINT_FORMAT, "storage is smaller"},
        {{"FloatStorage", INT64_MAX, 0, 1, {2}, {1}, NULL, false}, SAINT_FORMAT, "storage is smaller"},
        {{"FloatStorage", -8, 0, 1, {2}, {1}, NULL, false}, SAINT_FORMAT, "persistent id"},
        {{"FloatStorage", 8, 0, 1, {2}, {1}, "1", false}, SAINT_FORMAT, "does not hold its storage"},
        {{"FloatStorage", 8, 0, 1, {2}, {1}, "../data.pkl", false}, SAINT_FORMAT, "does not hold its storage"},
        {{"FloatStorage", 8, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 2}, {2, 2, 2, 2, 2, 2, 2, 2, 1}, NULL, false},
         SAINT_UNSUPPORTED,
         "8 dimensions"},
        {{"FloatStorage", 8, 0, 1, {2}, {1}, NULL, true}, SAINT_UNSUPPORTED, "negated"},
        {{"ComplexFloatStorage", 4, 0, 1, {2}, {1}, NULL, false}, SAINT_UNSUPPORTED, "ComplexFloatStorage"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) refused_tensor(v[i].status, &v[i].t, v[i].part);
}

static void nothing_is_ever_executed(void **state)
{
    (void)state;
    char dir[] = "/tmp/saint-pickle-XXXXXX", marker[64], evil[256];
    assert_non_null(mkdtemp(dir));
    snprintf(marker, sizeof marker, "%s/was-here", dir);
    /* the classic: os.system("touch ..."), as a value beside and in place of the state_dict */
    int n = snprintf(evil, sizeof evil, "cposix\nsystem\nX%c%c%c%ctouch %s\x85R.", (int)strlen(marker) + 6, 0, 0, 0, marker);
    refused_pickle(SAINT_UNSUPPORTED, evil, (size_t)n, "posix.system");
    assert_int_not_equal(access(marker, F_OK), 0);
    const spec t = {"FloatStorage", 8, 0, 1, {8}, {1}, NULL, false};
    pickle.n = 0;
    put(&pickle, "\x80\x02}", 3);
    text(&pickle, "w");
    tensor(&pickle, &t);
    puts_(&pickle, "s");
    text(&pickle, "x");
    put(&pickle, evil, (size_t)n - 1);
    puts_(&pickle, "s.");
    zip_pickle(PLAIN);
    saint_checkpoint *c;
    assert_ok(open_buffer(&zip, &c, err)); /* the inert value is no tensor and is passed over */
    assert_int_not_equal(access(marker, F_OK), 0);
    rmdir(dir);
}

static void hostile_pickles_are_refused(void **state)
{
    (void)state;
    REFUSED_PICKLE(SAINT_FORMAT, "", "without STOP");
    REFUSED_PICKLE(SAINT_FORMAT, "N", "without STOP");
    REFUSED_PICKLE(SAINT_FORMAT, ".", "more or less than one value");
    REFUSED_PICKLE(SAINT_FORMAT, "NN.", "more or less than one value");
    REFUSED_PICKLE(SAINT_FORMAT, "(N.", "more or less than one value");
    REFUSED_PICKLE(SAINT_FORMAT, "0.", "stack is empty");
    REFUSED_PICKLE(SAINT_FORMAT, "N(0.", "stack is empty"); /* nothing below a mark may be taken */
    REFUSED_PICKLE(SAINT_FORMAT, "N(\x85.", "stack is empty");
    REFUSED_PICKLE(SAINT_FORMAT, "t.", "mark is missing");
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "(t.", "expected a state_dict"); /* a mark on an empty stack */
    REFUSED_PICKLE(SAINT_FORMAT, "NR.", "stack is empty");
    REFUSED_PICKLE(SAINT_FORMAT, "NNR.", "arguments of a call");
    REFUSED_PICKLE(SAINT_FORMAT, "N)R.", "called that is no name");
    REFUSED_PICKLE(SAINT_FORMAT, "NNa.", "no list");
    REFUSED_PICKLE(SAINT_FORMAT, "NNNs.", "no dict");
    REFUSED_PICKLE(SAINT_FORMAT, "}(Nu.", "no value");
    REFUSED_PICKLE(SAINT_FORMAT, "NQ.", "persistent id");
    REFUSED_PICKLE(SAINT_FORMAT, ")Q.", "persistent id");
    REFUSED_PICKLE(SAINT_FORMAT, "h\0.", "never written");
    REFUSED_PICKLE(SAINT_FORMAT, "Nq\1.", "leaves a gap");
    REFUSED_PICKLE(SAINT_FORMAT, "Nr\xff\xff\xff\xff.", "leaves a gap");
    REFUSED_PICKLE(SAINT_FORMAT, "X\xff\xff\xff\xffz.", "cut short");
    REFUSED_PICKLE(SAINT_FORMAT, "\x8d\xff\xff\xff\xff\xff\xff\xff\xffz.", "cut short");
    REFUSED_PICKLE(SAINT_FORMAT, "\x8b\xff\xff\xff\x7fz.", "cut short");
    REFUSED_PICKLE(SAINT_FORMAT, "\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "frame");
    REFUSED_PICKLE(SAINT_FORMAT, "ctorch\nTensor", "cut short");
    REFUSED_PICKLE(SAINT_FORMAT, "NN\x93.", "two strings");
    REFUSED_PICKLE(SAINT_FORMAT, "\x80\x06N.", "protocol");
    REFUSED_PICKLE(SAINT_FORMAT, "ctorch._utils\n_rebuild_tensor_v2\n)R.", "arguments of a tensor");
    REFUSED_PICKLE(SAINT_FORMAT, "ctorch._utils\n_rebuild_parameter\n)R.", "without a tensor");
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "I1\n.", "opcode 0x49");
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "(iposix\nsystem\n.", "opcode 0x69"); /* INST */
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "\x82\x01.", "opcode 0x82");          /* EXT1 */
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "2.", "opcode 0x32");                 /* DUP */
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "}.", "expected a state_dict");
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "]q\0h\0a.", "expected a state_dict");               /* a list that holds itself */
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "}q\0X\5\0\0\0modelh\0s.", "expected a state_dict"); /* a dict that is its own model */
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "c__main__\nViT\n)\x81}b.", "class __main__.ViT");
    REFUSED_PICKLE(SAINT_UNSUPPORTED, "c\xff\x9b\nViT\n)\x81.", "class .ViT"); /* no raw bytes of a file reach the terminal */
    pickle.n = 0;
    puts_(&pickle, "(lp0\n.");
    zip_pickle(PLAIN);
    refused(SAINT_FORMAT, "no pickle of protocol 2");
}

static void two_tensors_of_one_name_are_refused(void **state)
{
    (void)state;
    const spec t = {"FloatStorage", 8, 0, 1, {8}, {1}, NULL, false};
    pickle.n = 0;
    put(&pickle, "\x80\x02}(", 4);
    for (int i = 0; i < 2; i++) {
        text(&pickle, "w");
        tensor(&pickle, &t);
    }
    puts_(&pickle, "u.");
    zip_pickle(PLAIN);
    refused(SAINT_FORMAT, "'w' twice");
}

static void hostile_archives_are_refused(void **state)
{
    (void)state;
    const spec t = {"FloatStorage", 8, 0, 1, {8}, {1}, NULL, false};
    one_tensor(&pickle, &t);
    entry e[] = {{"a/data.pkl", pickle.b, pickle.n, 0, 0}, {"a/data/0", eight, sizeof eight, 0, 0}, {"a/byteorder", "little", 6, 0, 0}};
    make_zip(&zip, e, 3, PLAIN);
    refused(SAINT_OK, "");
    e[2] = (entry){"a/byteorder", "big", 3, 0, 0};
    make_zip(&zip, e, 3, PLAIN);
    refused(SAINT_UNSUPPORTED, "found 'big'");
    e[2] = (entry){"a/data/0", eight, sizeof eight, 0, 0};
    make_zip(&zip, e, 3, PLAIN);
    refused(SAINT_FORMAT, "two entries have one name");
    e[2] = (entry){"b/data.pkl", pickle.b, pickle.n, 0, 0};
    make_zip(&zip, e, 3, PLAIN);
    refused(SAINT_FORMAT, "found two");
    e[2] = (entry){"a/constants.pkl", "x", 1, 0, 0};
    make_zip(&zip, e, 3, PLAIN);
    refused(SAINT_UNSUPPORTED, "TorchScript");
    make_zip(&zip, e + 1, 1, PLAIN);
    refused(SAINT_FORMAT, "without ARCHIVE/data.pkl");
    e[1].method = 8;
    make_zip(&zip, e, 2, PLAIN);
    refused(SAINT_UNSUPPORTED, "'a/data/0' is compressed (method 8)");
    e[1].method = 0;
    e[1].flags = 1;
    make_zip(&zip, e, 2, PLAIN);
    refused(SAINT_UNSUPPORTED, "'a/data/0' is encrypted");
    e[1].flags = 0;
    make_zip(&zip, NULL, 0, PLAIN);
    refused(SAINT_FORMAT, "without ARCHIVE/data.pkl");
}

/* Every prefix, and every byte of a good archive turned over, must end in a status, never outside the buffer (the sanitizer watches). */
static void damage_anywhere_is_survived(void **state)
{
    (void)state;
    const spec t = {"FloatStorage", 8, 0, 2, {2, 3}, {1, 2}, NULL, false};
    saint_checkpoint *c;
    saint_error e;
    for (int kind = PLAIN; kind <= ZIP64; kind++) {
        one_tensor(&pickle, &t);
        zip_pickle(kind);
        size_t n = zip.n, refusals = 0;
        for (zip.n = 0; zip.n < n; zip.n++) assert_int_not_equal(open_buffer(&zip, &c, &e), SAINT_OK);
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < 3; k++) {
                static const unsigned char flip[3] = {0xff, 0x80, 0x01};
                zip.b[i] ^= flip[k];
                refusals += open_buffer(&zip, &c, &e) != SAINT_OK;
                zip.b[i] ^= flip[k];
            }
        assert_true(refusals > 300);
        assert_ok(open_buffer(&zip, &c, err));
    }
}

/* ---- archives that torch itself has written: the corpus of the fuzzer ---- */

static saint_status open_corpus(const char *name, saint_checkpoint **c, saint_error *e)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/torch_zip/%s", SAINT_SOURCE_DIR, name);
    return saint_checkpoint_open_file(c, path, e);
}

static void expect(const saint_checkpoint *c, const char *name, saint_dtype type, int rank, int64_t rows, int64_t columns, const void *data,
                   size_t bytes)
{
    const saint_tensor *t = saint_checkpoint_find(c, name);
    if (!t) fail_msg("no tensor %s", name);
    if (t->type != type || t->rank != rank || t->bytes != bytes || (rank > 0 && t->shape[0] != rows) ||
        (rank > 1 && t->shape[1] != columns))
        fail_msg("%s: %s, rank %d, %zu bytes", name, saint_dtype_name(t->type), t->rank, t->bytes);
    if (bytes) assert_memory_equal(t->data, data, bytes);
}

static void archives_of_torch_are_read(void **state)
{
    (void)state;
    static const char *const file[] = {"state_dict.pt", "nested.pth"};
    for (int i = 0; i < 2; i++) {
        saint_checkpoint *c;
        assert_ok(open_corpus(file[i], &c, err));
        assert_int_equal(saint_checkpoint_count(c), 9);
        expect(c, "w", SAINT_F32, 2, 2, 3, eight, 24);
        expect(c, "t", SAINT_F32, 2, 3, 2, (const float[]){0, 3, 1, 4, 2, 5}, 24);
        expect(c, "h", SAINT_F16, 1, 4, 0, (const uint16_t[]){0, 0x3c00, 0x4000, 0x4200}, 8);
        expect(c, "b16", SAINT_BF16, 1, 4, 0, (const uint16_t[]){0, 0x3f80, 0x4000, 0x4040}, 8);
        expect(c, "n", SAINT_I64, 0, 0, 0, (const int64_t[]){7}, 8);
        expect(c, "view", SAINT_F32, 1, 4, 0, eight + 3, 16);
        expect(c, "skip", SAINT_F32, 1, 3, 0, (const float[]){1, 4, 7}, 12);
        expect(c, "flag", SAINT_BOOL, 1, 2, 0, "\1\0", 2);
        expect(c, "empty", SAINT_F32, 2, 0, 4, NULL, 0);
        assert_int_equal(saint_checkpoint_copied_bytes(c), 36); /* t and skip */
        saint_checkpoint_close(c);
    }
    static const char *const shared[] = {"shared_parameter.pt", "zip64.pt"};
    for (int i = 0; i < 2; i++) {
        saint_checkpoint *c;
        assert_ok(open_corpus(shared[i], &c, err));
        expect(c, "a", SAINT_F32, 1, 6, 0, eight, 24);
        expect(c, "b", SAINT_F32, 2, 2, 3, eight, 24);
        expect(c, "sub", SAINT_F32, 1, 2, 0, eight, 8);
        if (i == 0) assert_ptr_equal(saint_checkpoint_find(c, "a")->data, saint_checkpoint_find(c, "b")->data);
        saint_checkpoint_close(c);
    }
    saint_checkpoint *c;
    assert_ok(open_corpus("mixed.pt", &c, err)); /* protocol 4; bytes, sets, big numbers beside the tensor */
    assert_int_equal(saint_checkpoint_count(c), 1);
    expect(c, "w", SAINT_F32, 1, 2, 0, eight, 8);
    saint_checkpoint_close(c);
}

static void put_file(const char *folder, const char *name, const void *data, size_t n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_write(path, data, n, err));
}

static void shards_of_archives_are_one_checkpoint(void **state)
{
    (void)state;
    static const char *const name[2] = {"pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"};
    static const char index[] = "{\"weight_map\":{\"w\":\"pytorch_model-00002-of-00002.bin\",\"a\":\"pytorch_model-00001-of-00002.bin\"}}";
    char dir[] = "/tmp/saint-shards-XXXXXX", cmd[64];
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 2; i++) {
        const spec t = {"FloatStorage", 8, i, 1, {2}, {1}, NULL, false};
        pickle.n = 0;
        put(&pickle, "\x80\x02}", 3);
        text(&pickle, i ? "w" : "a");
        tensor(&pickle, &t);
        puts_(&pickle, "s.");
        zip_pickle(PLAIN);
        put_file(dir, name[i], zip.b, zip.n);
    }
    put_file(dir, "pytorch_model.bin.index.json", index, sizeof index - 1);
    saint_checkpoint *c;
    assert_ok(saint_checkpoint_open_dir(&c, dir, err));
    assert_int_equal(saint_checkpoint_count(c), 2);
    assert_memory_equal(saint_checkpoint_find(c, "a")->data, eight, 8);
    assert_memory_equal(saint_checkpoint_find(c, "w")->data, eight + 1, 8);
    saint_checkpoint_close(c);
    put_file(dir, "pytorch_model.bin", zip.b, zip.n); /* one file goes before an index */
    assert_ok(saint_checkpoint_open_dir(&c, dir, err));
    assert_int_equal(saint_checkpoint_count(c), 1);
    saint_checkpoint_close(c);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    assert_int_equal(system(cmd), 0);
}

static void archives_that_are_not_read_say_why(void **state)
{
    (void)state;
    const struct {
        const char *file, *part;
    } v[] = {{"deflated.pt", "'shared_parameter/data.pkl' is compressed"},
             {"expanded.pt", "tensor 'wide': the copies of expanded"},
             {"legacy.pt", "re-save with torch >= 1.6 or as safetensors"},
             {"module.pt", "an object of class torch.nn.modules.linear.Linear: save model.state_dict()"},
             {"sparse.pt", "tensor 's': it is made by torch._utils._rebuild_sparse_tensor"},
             {"uint16.pt", "tensor 'u16': its type uint16"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_checkpoint *c;
        saint_error e = {0};
        assert_int_equal(open_corpus(v[i].file, &c, &e), SAINT_UNSUPPORTED);
        if (!strstr(e.text, v[i].part)) fail_msg("'%s' does not say '%s'", e.text, v[i].part);
    }
}

static void numbers_of_a_pickle_are_exact(void **state)
{
    (void)state;
    static const unsigned char p[] =
        "\x80\x02](K\xffM\xff\xffJ\xfb\xff\xff\xff\x8a\x00\x8a\x01\x80\x8a\x02\xff\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"
        "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01G\x3f\xe0\x00\x00\x00\x00\x00\x00"
        "e.";
    const int64_t expected[] = {255, 65535, -5, 0, -128, 255, INT64_MIN};
    saint_pickle *q;
    assert_ok(saint_pickle_read(&q, p, sizeof p - 1, "t", err));
    const saint_pickle_value *list = saint_pickle_root(q);
    assert_true(list->kind == SAINT_PICKLE_LIST && list->u.seq.n == 9);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(list->u.seq.item[i]->kind, SAINT_PICKLE_INT);
        assert_true(list->u.seq.item[i]->u.integer == expected[i]);
    }
    assert_int_equal(list->u.seq.item[7]->kind, SAINT_PICKLE_OPAQUE);
    assert_true(list->u.seq.item[8]->kind == SAINT_PICKLE_FLOAT && list->u.seq.item[8]->u.real == 0.5);
    saint_pickle_free(q);
    saint_pickle_free(NULL);
}

/* Opcodes of one byte that each make an object: memory stays in proportion to the file. */
static void memory_is_bounded(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    unsigned char *p = malloc(n);
    saint_pickle *q;
    saint_error e;
    static const char ops[] = {'N', ')', ']', '}', '('};
    for (size_t k = 0; k < sizeof ops; k++) {
        memset(p, ops[k], n);
        memcpy(p, "\x80\x02", 2);
        p[n - 1] = '.';
        assert_int_equal(saint_pickle_read(&q, p, n, "t", &e), SAINT_FORMAT);
        assert_null(q);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_of_zip_are_read_in_place),
        cmocka_unit_test(strides_are_honoured),
        cmocka_unit_test(tensors_outside_their_storage_are_refused),
        cmocka_unit_test(nothing_is_ever_executed),
        cmocka_unit_test(hostile_pickles_are_refused),
        cmocka_unit_test(two_tensors_of_one_name_are_refused),
        cmocka_unit_test(hostile_archives_are_refused),
        cmocka_unit_test(damage_anywhere_is_survived),
        cmocka_unit_test(archives_of_torch_are_read),
        cmocka_unit_test(archives_that_are_not_read_say_why),
        cmocka_unit_test(numbers_of_a_pickle_are_exact),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(shards_of_archives_are_one_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
