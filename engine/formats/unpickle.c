#define _GNU_SOURCE
#include "formats/unpickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { MAX_PICKLE = 64 << 20, MAX_ARENA = 512 << 20, ARENA_BLOCK = 32 << 10 };

typedef saint_pickle_value value;

typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
} block;

struct saint_pickle {
    block *arena;
    size_t arena_bytes, arena_limit;
    value *root;
};

typedef struct {
    const unsigned char *p;
    size_t n, at, op_at; /* op_at: the opcode being run, for errors */
    saint_pickle *heap;
    value **stack;
    size_t depth, stack_cap;
    size_t *mark; /* stack depths */
    size_t marks, mark_cap;
    value **memo;
    size_t memo_n, memo_cap;
    const char *what;
    saint_error *err;
    saint_status status;
} vm;

/* Globals that mean something here. Everything else is inert. */
enum {
    G_UNKNOWN,
    G_DICT,         /* called with anything: an empty dict, filled by later opcodes */
    G_TENSOR_V2,    /* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
    G_TENSOR_V3,    /* the same with dtype in place 6 and metadata in place 7 */
    G_PARAMETER,    /* (tensor, requires_grad, hooks[, state]): the tensor */
    G_TYPED_TENSOR, /* (function, type, args, state): function(*args) */
    G_TENSOR_CLASS,
    G_UNTYPED_STORAGE,
    G_FIRST_TYPE /* + saint_dtype: storage classes and dtypes */
};

static const struct {
    const char *module, *name;
    int known;
} known_globals[] = {
    {"collections", "OrderedDict", G_DICT},
    {"collections", "defaultdict", G_DICT},
    {"torch._utils", "_rebuild_tensor_v2", G_TENSOR_V2},
    {"torch._utils", "_rebuild_tensor_v3", G_TENSOR_V3},
    {"torch._utils", "_rebuild_parameter", G_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", G_PARAMETER},
    {"torch._tensor", "_rebuild_from_type_v2", G_TYPED_TENSOR},
    {"torch", "Tensor", G_TENSOR_CLASS},
    {"torch.nn.parameter", "Parameter", G_TENSOR_CLASS},
    {"torch.nn.parameter", "Buffer", G_TENSOR_CLASS},
    {"torch.storage", "UntypedStorage", G_UNTYPED_STORAGE},
    {"torch", "FloatStorage", G_FIRST_TYPE + SAINT_F32},
    {"torch", "HalfStorage", G_FIRST_TYPE + SAINT_F16},
    {"torch", "BFloat16Storage", G_FIRST_TYPE + SAINT_BF16},
    {"torch", "DoubleStorage", G_FIRST_TYPE + SAINT_F64},
    {"torch", "LongStorage", G_FIRST_TYPE + SAINT_I64},
    {"torch", "IntStorage", G_FIRST_TYPE + SAINT_I32},
    {"torch", "ShortStorage", G_FIRST_TYPE + SAINT_I16},
    {"torch", "CharStorage", G_FIRST_TYPE + SAINT_I8},
    {"torch", "ByteStorage", G_FIRST_TYPE + SAINT_U8},
    {"torch", "BoolStorage", G_FIRST_TYPE + SAINT_BOOL},
    {"torch", "float32", G_FIRST_TYPE + SAINT_F32},
    {"torch", "float16", G_FIRST_TYPE + SAINT_F16},
    {"torch", "bfloat16", G_FIRST_TYPE + SAINT_BF16},
    {"torch", "float64", G_FIRST_TYPE + SAINT_F64},
    {"torch", "int64", G_FIRST_TYPE + SAINT_I64},
    {"torch", "int32", G_FIRST_TYPE + SAINT_I32},
    {"torch", "int16", G_FIRST_TYPE + SAINT_I16},
    {"torch", "int8", G_FIRST_TYPE + SAINT_I8},
    {"torch", "uint8", G_FIRST_TYPE + SAINT_U8},
    {"torch", "bool", G_FIRST_TYPE + SAINT_BOOL},
};

bool saint_pickle_is(const saint_pickle_text *t, const char *word)
{
    size_t n = strlen(word);
    return t->n == n && memcmp(t->p, word, n) == 0;
}

static bool fail(vm *m, const char *words)
{
    m->status = saint_fail(m->err, SAINT_FORMAT, "%s: data.pkl is malformed at byte %zu: %s", m->what, m->op_at, words);
    return false;
}

static bool no_memory(vm *m)
{
    m->status = saint_fail(m->err, SAINT_MEMORY, "%s: no memory for the objects of data.pkl", m->what);
    return false;
}

/* ---- memory ---- */

static void *arena(vm *m, size_t bytes)
{
    saint_pickle *h = m->heap;
    block *b = h->arena;
    bytes = (bytes + 15) & ~(size_t)15;
    if (!b || b->size - b->used < bytes) {
        size_t room = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
        if (room > h->arena_limit - h->arena_bytes) {
            m->status = saint_fail(m->err, SAINT_UNSUPPORTED, "%s: data.pkl describes more objects than a state_dict has", m->what);
            return NULL;
        }
        b = malloc(sizeof *b + room);
        if (!b) {
            no_memory(m);
            return NULL;
        }
        *b = (block){.next = h->arena, .size = room};
        h->arena = b;
        h->arena_bytes += room;
    }
    void *p = b->data + b->used;
    b->used += bytes;
    return p;
}

static value *new_value(vm *m, saint_pickle_kind kind)
{
    value *v = arena(m, sizeof *v);
    if (v) *v = (value){.kind = kind};
    return v;
}

/* Growth by doubling inside the arena wastes at most as much again. */
static bool seq_add(vm *m, value *s, value *item)
{
    if (s->u.seq.n == s->u.seq.cap) {
        size_t cap = s->u.seq.cap ? s->u.seq.cap * 2 : 4;
        value **p = arena(m, cap * sizeof(value *));
        if (!p) return false;
        if (s->u.seq.n) memcpy(p, s->u.seq.item, s->u.seq.n * sizeof(value *));
        s->u.seq.item = p;
        s->u.seq.cap = cap;
    }
    s->u.seq.item[s->u.seq.n++] = item;
    return true;
}

/* ---- stack ---- */

static bool push(vm *m, value *v)
{
    if (!v) return false;
    if (m->depth == m->stack_cap) {
        size_t cap = m->stack_cap ? m->stack_cap * 2 : 256;
        value **p = realloc(m->stack, cap * sizeof(value *));
        if (!p) return no_memory(m);
        m->stack = p;
        m->stack_cap = cap;
    }
    m->stack[m->depth++] = v;
    return true;
}

/* Values above the last mark. */
static size_t available(const vm *m) { return m->depth - (m->marks ? m->mark[m->marks - 1] : 0); }

static value *pop(vm *m)
{
    if (!available(m)) {
        fail(m, "the stack is empty");
        return NULL;
    }
    return m->stack[--m->depth];
}

static value *top(vm *m)
{
    if (!available(m)) {
        fail(m, "the stack is empty");
        return NULL;
    }
    return m->stack[m->depth - 1];
}

static bool push_mark(vm *m)
{
    if (m->marks == m->mark_cap) {
        size_t cap = m->mark_cap ? m->mark_cap * 2 : 64;
        size_t *p = realloc(m->mark, cap * sizeof *p);
        if (!p) return no_memory(m);
        m->mark = p;
        m->mark_cap = cap;
    }
    m->mark[m->marks++] = m->depth;
    return true;
}

/* Take everything above the last mark, and the mark. The items stay readable until the next push. */
static bool pop_mark(vm *m, value ***items, size_t *n)
{
    if (!m->marks) return fail(m, "a mark is missing");
    size_t at = m->mark[--m->marks];
    *items = m->stack ? m->stack + at : NULL; /* nothing was ever pushed: NULL + 0 is undefined */
    *n = m->depth - at;
    m->depth = at;
    return true;
}

/* ---- bytes of the pickle ---- */

static bool take(vm *m, size_t n, const unsigned char **p)
{
    if (m->n - m->at < n) return fail(m, "it is cut short");
    *p = m->p + m->at;
    m->at += n;
    return true;
}

static bool take_uint(vm *m, size_t width, uint64_t *v)
{
    const unsigned char *p;
    if (!take(m, width, &p)) return false;
    *v = 0;
    for (size_t i = width; i-- > 0;) *v = *v << 8 | p[i];
    return true;
}

/* A length of `width` bytes and that many bytes. */
static bool take_counted(vm *m, size_t width, saint_pickle_text *t)
{
    uint64_t n;
    const unsigned char *p;
    if (!take_uint(m, width, &n)) return false;
    if (n > m->n - m->at) return fail(m, "it is cut short");
    if (!take(m, (size_t)n, &p)) return false;
    *t = (saint_pickle_text){(const char *)p, (size_t)n};
    return true;
}

static bool take_line(vm *m, saint_pickle_text *t)
{
    const unsigned char *start = m->p + m->at, *end = memchr(start, '\n', m->n - m->at);
    if (!end) return fail(m, "it is cut short");
    *t = (saint_pickle_text){(const char *)start, (size_t)(end - start)};
    m->at += t->n + 1;
    return true;
}

/* ---- opcodes that make values ---- */

static bool push_kind(vm *m, saint_pickle_kind kind) { return push(m, new_value(m, kind)); }

static bool push_bool(vm *m, bool b)
{
    value *v = new_value(m, SAINT_PICKLE_BOOL);
    if (v) v->u.boolean = b;
    return push(m, v);
}

static bool push_uint(vm *m, size_t width)
{
    uint64_t n;
    if (!take_uint(m, width, &n)) return false;
    value *v = new_value(m, SAINT_PICKLE_INT);
    if (v) v->u.integer = width == 4 ? (int32_t)(uint32_t)n : (int64_t)n;
    return push(m, v);
}

/* LONG1, LONG4: little-endian two's complement */
static bool push_long(vm *m, size_t width)
{
    saint_pickle_text t;
    if (!take_counted(m, width, &t)) return false;
    if (t.n > 8) return push_kind(m, SAINT_PICKLE_OPAQUE);
    uint64_t u = t.n && (unsigned char)t.p[t.n - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = t.n; i-- > 0;) u = u << 8 | (unsigned char)t.p[i];
    value *v = new_value(m, SAINT_PICKLE_INT);
    if (v) memcpy(&v->u.integer, &u, sizeof u);
    return push(m, v);
}

static bool push_float(vm *m)
{
    const unsigned char *p;
    uint64_t u = 0;
    if (!take(m, 8, &p)) return false;
    for (int i = 0; i < 8; i++) u = u << 8 | p[i]; /* big-endian, alone among the opcodes */
    value *v = new_value(m, SAINT_PICKLE_FLOAT);
    if (v) memcpy(&v->u.real, &u, sizeof u);
    return push(m, v);
}

static bool push_text(vm *m, size_t width)
{
    saint_pickle_text t;
    if (!take_counted(m, width, &t)) return false;
    value *v = new_value(m, SAINT_PICKLE_STRING);
    if (v) v->u.text = t;
    return push(m, v);
}

static bool push_bytes(vm *m, size_t width)
{
    saint_pickle_text t;
    return take_counted(m, width, &t) && push_kind(m, SAINT_PICKLE_OPAQUE);
}

/* A container of n values that lie at items, which may be the popped end of the stack. */
static bool push_seq(vm *m, saint_pickle_kind kind, value **items, size_t n)
{
    value *v = new_value(m, kind);
    if (!v) return false;
    if (n) {
        v->u.seq.item = arena(m, n * sizeof(value *));
        if (!v->u.seq.item) return false;
        memcpy(v->u.seq.item, items, n * sizeof(value *));
    }
    v->u.seq.n = v->u.seq.cap = n;
    return push(m, v);
}

static bool push_marked(vm *m, saint_pickle_kind kind)
{
    value **items;
    size_t n;
    if (!pop_mark(m, &items, &n)) return false;
    if (kind == SAINT_PICKLE_DICT && n % 2) return fail(m, "a key has no value");
    if (kind == SAINT_PICKLE_OPAQUE) return push_kind(m, kind);
    return push_seq(m, kind, items, n);
}

static bool push_last(vm *m, size_t n)
{
    if (available(m) < n) return fail(m, "the stack is empty");
    m->depth -= n;
    return push_seq(m, SAINT_PICKLE_TUPLE, m->stack + m->depth, n);
}

static bool push_global(vm *m, saint_pickle_text module, saint_pickle_text name)
{
    value *v = new_value(m, SAINT_PICKLE_GLOBAL);
    if (!v) return false;
    v->u.global = (saint_pickle_global){module, name, G_UNKNOWN};
    for (size_t i = 0; i < sizeof known_globals / sizeof *known_globals; i++)
        if (saint_pickle_is(&module, known_globals[i].module) && saint_pickle_is(&name, known_globals[i].name))
            v->u.global.known = known_globals[i].known;
    return push(m, v);
}

static bool push_line_global(vm *m)
{
    saint_pickle_text module, name;
    return take_line(m, &module) && take_line(m, &name) && push_global(m, module, name);
}

static bool push_stack_global(vm *m)
{
    value *name = pop(m), *module = name ? pop(m) : NULL;
    if (!module) return false;
    if (name->kind != SAINT_PICKLE_STRING || module->kind != SAINT_PICKLE_STRING) return fail(m, "a global needs two strings");
    return push_global(m, module->u.text, name->u.text);
}

/* ---- opcodes that fill containers ---- */

static bool append(vm *m, value **items, size_t n)
{
    value *list = top(m);
    if (!list) return false;
    if (list->kind == SAINT_PICKLE_OPAQUE) return true;
    if (list->kind != SAINT_PICKLE_LIST) return fail(m, "an item is appended to something that is no list");
    for (size_t i = 0; i < n; i++)
        if (!seq_add(m, list, items[i])) return false;
    return true;
}

static bool append_marked(vm *m)
{
    value **items;
    size_t n;
    return pop_mark(m, &items, &n) && append(m, items, n);
}

static bool append_one(vm *m)
{
    value *item = pop(m);
    return item && append(m, &item, 1);
}

static bool set_items(vm *m, value **items, size_t n)
{
    value *dict = top(m);
    if (!dict) return false;
    if (n % 2) return fail(m, "a key has no value");
    if (dict->kind == SAINT_PICKLE_OPAQUE) return true;
    if (dict->kind != SAINT_PICKLE_DICT) return fail(m, "a key is set on something that is no dict");
    for (size_t i = 0; i < n; i++)
        if (!seq_add(m, dict, items[i])) return false;
    return true;
}

static bool set_marked(vm *m)
{
    value **items;
    size_t n;
    return pop_mark(m, &items, &n) && set_items(m, items, n);
}

static bool set_one(vm *m)
{
    value *pair[2];
    pair[1] = pop(m);
    pair[0] = pair[1] ? pop(m) : NULL;
    return pair[0] && set_items(m, pair, 2);
}

/* ---- memo ---- */

static bool memo_put(vm *m, uint64_t key)
{
    value *v = top(m);
    if (!v) return false;
    if (key > m->memo_n) return fail(m, "a memo index leaves a gap"); /* picklers count from 0, which bounds the memo */
    if (key >= m->memo_cap) {
        size_t cap = m->memo_cap ? m->memo_cap * 2 : 256;
        value **p = realloc(m->memo, cap * sizeof(value *));
        if (!p) return no_memory(m);
        m->memo = p;
        m->memo_cap = cap;
    }
    if (key == m->memo_n) m->memo_n++;
    m->memo[key] = v;
    return true;
}

static bool memo_put_indexed(vm *m, size_t width)
{
    uint64_t key;
    return take_uint(m, width, &key) && memo_put(m, key);
}

static bool memo_get(vm *m, size_t width)
{
    uint64_t key;
    if (!take_uint(m, width, &key)) return false;
    if (key >= m->memo_n) return fail(m, "it reads a memo that was never written");
    return push(m, m->memo[key]);
}

/* ---- tensors ---- */

static bool is_kind(const value *v, saint_pickle_kind kind) { return v->kind == kind; }

/* ('storage', class, key, location, count) */
static bool persistent(vm *m)
{
    value *id = pop(m);
    if (!id) return false;
    value **a = id->u.seq.item;
    if (!is_kind(id, SAINT_PICKLE_TUPLE) || id->u.seq.n < 5 || !is_kind(a[0], SAINT_PICKLE_STRING) ||
        !saint_pickle_is(&a[0]->u.text, "storage") || !is_kind(a[1], SAINT_PICKLE_GLOBAL) || !is_kind(a[2], SAINT_PICKLE_STRING) ||
        !is_kind(a[4], SAINT_PICKLE_INT) || a[4]->u.integer < 0)
        return fail(m, "a persistent id is not ('storage', class, key, device, count)");
    value *v = new_value(m, SAINT_PICKLE_STORAGE);
    if (v) v->u.storage = (saint_pickle_storage){&a[1]->u.global, a[2]->u.text, a[4]->u.integer};
    return push(m, v);
}

static bool copy_extents(vm *m, const value *tuple, int64_t *out)
{
    for (size_t i = 0; i < tuple->u.seq.n && i < SAINT_MAX_RANK; i++) {
        const value *v = tuple->u.seq.item[i];
        if (!is_kind(v, SAINT_PICKLE_INT) || v->u.integer < 0)
            return fail(m, "sizes and strides of a tensor are whole numbers, not negative");
        out[i] = v->u.integer;
    }
    return true;
}

static bool is_empty(const value *v) { return v->kind == SAINT_PICKLE_NONE || (v->kind == SAINT_PICKLE_DICT && v->u.seq.n == 0); }

static bool build_tensor(vm *m, const value *args, bool v3)
{
    value **a = args->u.seq.item;
    size_t n = args->u.seq.n, metadata = v3 ? 7 : 6;
    if (n < (v3 ? 7u : 6u) || !is_kind(a[0], SAINT_PICKLE_STORAGE) || !is_kind(a[1], SAINT_PICKLE_INT) || a[1]->u.integer < 0 ||
        !is_kind(a[2], SAINT_PICKLE_TUPLE) || !is_kind(a[3], SAINT_PICKLE_TUPLE) || a[2]->u.seq.n != a[3]->u.seq.n ||
        (v3 && !is_kind(a[6], SAINT_PICKLE_GLOBAL)))
        return fail(m, "the arguments of a tensor are not (storage, offset, size, stride, ...)");
    value *v = new_value(m, SAINT_PICKLE_TENSOR);
    saint_pickle_tensor *t = v ? arena(m, sizeof *t) : NULL;
    if (!t) return false;
    *t = (saint_pickle_tensor){.storage = &a[0]->u.storage, .type = v3 ? &a[6]->u.global : NULL, .offset = a[1]->u.integer};
    if (!copy_extents(m, a[2], t->size) || !copy_extents(m, a[3], t->stride)) return false;
    t->rank = a[2]->u.seq.n > SAINT_MAX_RANK ? SAINT_MAX_RANK : (int)a[2]->u.seq.n;
    if (a[2]->u.seq.n > SAINT_MAX_RANK) t->refusal = "it has more than 8 dimensions";
    if (n > metadata && !is_empty(a[metadata]))
        t->refusal = "it is a conjugated or negated view: save it with .resolve_conj().resolve_neg()";
    v->u.tensor = t;
    return push(m, v);
}

/* What calling a global with these arguments gives: a tensor or a dict for the few that are known, an inert value for all others. */
static bool call(vm *m, const saint_pickle_global *g, const value *args)
{
    value **a = args->u.seq.item;
    size_t n = args->u.seq.n;
    switch (g->known) {
    case G_DICT: return push_kind(m, SAINT_PICKLE_DICT);
    case G_TENSOR_V2: return build_tensor(m, args, false);
    case G_TENSOR_V3: return build_tensor(m, args, true);
    case G_PARAMETER:
        if (n >= 1 && (is_kind(a[0], SAINT_PICKLE_TENSOR) || is_kind(a[0], SAINT_PICKLE_OPAQUE))) return push(m, a[0]);
        return fail(m, "a parameter without a tensor");
    case G_TYPED_TENSOR:
        if (n >= 3 && is_kind(a[0], SAINT_PICKLE_GLOBAL) && is_kind(a[1], SAINT_PICKLE_GLOBAL) && is_kind(a[2], SAINT_PICKLE_TUPLE) &&
            (a[0]->u.global.known == G_TENSOR_V2 || a[0]->u.global.known == G_TENSOR_V3 || a[0]->u.global.known == G_PARAMETER) &&
            a[1]->u.global.known == G_TENSOR_CLASS)
            return call(m, &a[0]->u.global, a[2]); /* none of the three comes back here: no recursion */
        break;
    default: break;
    }
    value *v = new_value(m, SAINT_PICKLE_OPAQUE);
    if (v) v->u.opaque = g;
    return push(m, v);
}

/* REDUCE, NEWOBJ: callable and a tuple of arguments */
static bool reduce(vm *m)
{
    value *args = pop(m), *f = args ? pop(m) : NULL;
    if (!f) return false;
    if (!is_kind(args, SAINT_PICKLE_TUPLE)) return fail(m, "the arguments of a call are no tuple");
    if (is_kind(f, SAINT_PICKLE_GLOBAL)) return call(m, &f->u.global, args);
    if (is_kind(f, SAINT_PICKLE_OPAQUE)) return push(m, f);
    return fail(m, "something is called that is no name");
}

/* NEWOBJ_EX: class, arguments, named arguments */
static bool reduce_named(vm *m) { return pop(m) && reduce(m); }

/* State is never applied: of a dict it is metadata, of an inert object it means nothing. */
static bool build(vm *m) { return pop(m) && top(m); }

/* ---- the machine ---- */

static bool protocol(vm *m)
{
    uint64_t v;
    if (!take_uint(m, 1, &v)) return false;
    return v >= 2 && v <= 5 ? true : fail(m, "the protocol is not 2 to 5");
}

static bool frame(vm *m)
{
    uint64_t n;
    if (!take_uint(m, 8, &n)) return false;
    return n <= m->n - m->at ? true : fail(m, "a frame is longer than the file");
}

static bool unknown_opcode(vm *m, int op)
{
    m->status = saint_fail(
        m->err, SAINT_UNSUPPORTED,
        "%s: data.pkl uses the pickle opcode 0x%02x at byte %zu, which torch.save does not write: re-save with torch or as safetensors",
        m->what, op, m->op_at);
    return false;
}

static bool run_container_op(vm *m, int op)
{
    value **items;
    size_t n;
    switch (op) {
    case ')': return push_kind(m, SAINT_PICKLE_TUPLE);
    case ']': return push_kind(m, SAINT_PICKLE_LIST);
    case '}': return push_kind(m, SAINT_PICKLE_DICT);
    case 0x8f: return push_kind(m, SAINT_PICKLE_OPAQUE); /* EMPTY_SET */
    case 't': return push_marked(m, SAINT_PICKLE_TUPLE);
    case 'l': return push_marked(m, SAINT_PICKLE_LIST);
    case 'd': return push_marked(m, SAINT_PICKLE_DICT);
    case 0x91: return push_marked(m, SAINT_PICKLE_OPAQUE); /* FROZENSET */
    case 0x85: return push_last(m, 1);                     /* TUPLE1 */
    case 0x86: return push_last(m, 2);
    case 0x87: return push_last(m, 3);
    case 'a': return append_one(m);
    case 'e': return append_marked(m);
    case 0x90: return append_marked(m); /* ADDITEMS, to an inert set */
    case 's': return set_one(m);
    case 'u': return set_marked(m);
    case '0': return pop(m) != NULL;
    case '1': return pop_mark(m, &items, &n);
    case 'R':
    case 0x81: return reduce(m);       /* NEWOBJ */
    case 0x92: return reduce_named(m); /* NEWOBJ_EX */
    case 'b': return build(m);
    case 'Q': return persistent(m);
    default: return unknown_opcode(m, op);
    }
}

static bool run_op(vm *m, int op)
{
    switch (op) {
    case 0x80: return protocol(m);
    case 0x95: return frame(m);
    case '(': return push_mark(m);
    case 'N': return push_kind(m, SAINT_PICKLE_NONE);
    case 0x88: return push_bool(m, true);
    case 0x89: return push_bool(m, false);
    case 'K': return push_uint(m, 1);         /* BININT1 */
    case 'M': return push_uint(m, 2);         /* BININT2 */
    case 'J': return push_uint(m, 4);         /* BININT, the only signed one */
    case 0x8a: return push_long(m, 1);        /* LONG1 */
    case 0x8b: return push_long(m, 4);        /* LONG4 */
    case 'G': return push_float(m);           /* BINFLOAT */
    case 0x8c: return push_text(m, 1);        /* SHORT_BINUNICODE */
    case 'X': return push_text(m, 4);         /* BINUNICODE */
    case 0x8d: return push_text(m, 8);        /* BINUNICODE8 */
    case 'U': return push_text(m, 1);         /* SHORT_BINSTRING: names that Python 2 pickled */
    case 'T': return push_text(m, 4);         /* BINSTRING */
    case 'C': return push_bytes(m, 1);        /* SHORT_BINBYTES */
    case 'B': return push_bytes(m, 4);        /* BINBYTES */
    case 0x8e: return push_bytes(m, 8);       /* BINBYTES8 */
    case 0x96: return push_bytes(m, 8);       /* BYTEARRAY8 */
    case 'c': return push_line_global(m);     /* GLOBAL */
    case 0x93: return push_stack_global(m);   /* STACK_GLOBAL */
    case 'q': return memo_put_indexed(m, 1);  /* BINPUT */
    case 'r': return memo_put_indexed(m, 4);  /* LONG_BINPUT */
    case 0x94: return memo_put(m, m->memo_n); /* MEMOIZE */
    case 'h': return memo_get(m, 1);          /* BINGET */
    case 'j': return memo_get(m, 4);          /* LONG_BINGET */
    default: return run_container_op(m, op);
    }
}

static bool run(vm *m)
{
    if (m->n < 2 || m->p[0] != 0x80) return fail(m, "it is no pickle of protocol 2 or later");
    while (m->at < m->n) {
        m->op_at = m->at;
        int op = m->p[m->at++];
        if (op != '.') {
            if (!run_op(m, op)) return false;
            continue;
        }
        if (m->depth != 1 || m->marks) return fail(m, "it ends with more or less than one value");
        m->heap->root = m->stack[0];
        return true;
    }
    m->op_at = m->at;
    return fail(m, "it ends without STOP");
}

saint_status saint_pickle_read(saint_pickle **out, const unsigned char *p, size_t n, const char *what, saint_error *err)
{
    *out = NULL;
    if (n > MAX_PICKLE)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected a data.pkl of at most %d bytes, found %zu: save only the state_dict", what,
                          MAX_PICKLE, n);
    vm m = {.p = p, .n = n, .what = what, .err = err};
    m.heap = calloc(1, sizeof *m.heap);
    if (!m.heap) return saint_fail(err, SAINT_MEMORY, "%s: no memory", what);
    m.heap->arena_limit = (size_t)1 << 20; /* honest pickles need some 20 bytes for each of theirs */
    m.heap->arena_limit += n > (MAX_ARENA >> 8) ? MAX_ARENA : n << 8;
    bool ok = run(&m);
    free(m.stack);
    free(m.mark);
    free(m.memo);
    if (ok) *out = m.heap;
    else saint_pickle_free(m.heap);
    return ok ? SAINT_OK : m.status;
}

const saint_pickle_value *saint_pickle_root(const saint_pickle *p) { return p->root; }

void saint_pickle_free(saint_pickle *p)
{
    if (!p) return;
    for (block *b = p->arena; b;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free(p);
}

bool saint_pickle_tensor_type(const saint_pickle_tensor *t, saint_dtype *type)
{
    const saint_pickle_global *g = t->type ? t->type : t->storage->type;
    if (g->known < G_FIRST_TYPE || g->known >= G_FIRST_TYPE + SAINT_DTYPE_COUNT) return false;
    *type = (saint_dtype)(g->known - G_FIRST_TYPE);
    return true;
}
