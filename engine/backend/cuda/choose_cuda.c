/* choose_cuda.c - token selection on the device: arguments, scratch, the mailbox, marks of time. The kernels are in select.cu and compact.cu. */
#include <string.h>

#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

saint_status saint_cuda_choose_open(saint_cuda *c, saint_error *err)
{
    saint_status s = saint_cuda_check(c, saint_cuda_choose_prepare(), err, "cudaFuncSetAttribute of selection");
    if (s != SAINT_OK) return s;
    return saint_cuda_check(c, cudaEventCreateWithFlags(&c->tray.arrived, cudaEventDisableTiming), err, "cudaEventCreate");
}

void saint_cuda_choose_close(saint_cuda *c)
{
    if (c->tray.arrived) cudaEventDestroy(c->tray.arrived);
    if (c->tray.host) cudaFreeHost(c->tray.host);
    for (int i = 0; i < SAINT_MARKS; i++)
        if (c->mark[i]) cudaEventDestroy(c->mark[i]);
}

/* Grows, and never shrinks: pinning is slow. */
static saint_status mailbox_room(saint_cuda *c, size_t bytes, saint_error *err)
{
    saint_cuda_tray *m = &c->tray;
    if (bytes <= m->room) return SAINT_OK;
    if (m->host) cudaFreeHost(m->host); /* empty: every letter is read in the call that sends it */
    *m = (saint_cuda_tray){.arrived = m->arrived};
    size_t room = bytes < 4096 ? 4096 : bytes + bytes / 2;
    saint_status s = saint_cuda_check(c, cudaMallocHost((void **)&m->host, room), err, "cudaMallocHost of %zu bytes", room);
    if (s == SAINT_OK) m->room = room;
    return s;
}

/* Sends bytes of the device to the host; they are there when `open` has returned. */
static saint_status mailbox_send(saint_cuda *c, const void *device, size_t bytes, saint_error *err)
{
    saint_cuda_tray *m = &c->tray;
    saint_status s = mailbox_room(c, bytes, err);
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaMemcpyAsync(m->host, device, bytes, cudaMemcpyDeviceToHost, c->stream), err, "mail of %zu bytes", bytes);
    return s == SAINT_OK ? saint_cuda_check(c, cudaEventRecord(m->arrived, c->stream), err, "mail of %zu bytes", bytes) : s;
}

static saint_status mailbox_open(saint_cuda *c, void *out, size_t bytes, saint_error *err)
{
    saint_status s = saint_cuda_check(c, cudaEventSynchronize(c->tray.arrived), err, "wait for mail of %zu bytes", bytes);
    if (s == SAINT_OK) memcpy(out, c->tray.host, bytes);
    return s;
}

static saint_status check(const saint_choose_args *a, int *most, saint_error *err)
{
    *most = 0;
    if (a->rule <= SAINT_RULE_NONE || a->rule >= SAINT_RULE_COUNT || a->n_seqs < 1 || a->n_seqs > 65535 || a->n_prefix < 0 || a->d < 1)
        return saint_fail(err, SAINT_INVALID, "choose: expected a rule, 1 to 65535 sequences and rows with a width, found rule %d and %d sequences", (int)a->rule,
                          a->n_seqs);
    if (saint_rule_reads_metric(a->rule) && (!a->metric || a->dim < 1 || a->dim > SAINT_CHOOSE_DIM))
        return saint_fail(err, SAINT_INVALID, "choose: expected a metric 1 to %d wide, found %d", SAINT_CHOOSE_DIM, a->dim);
    if ((saint_rule_reads_attention(a->rule) && !a->attention) || (!a->n_drop && a->rule != SAINT_RULE_VOTES))
        return saint_fail(err, SAINT_INVALID, "choose: expected the attention of all rows and a budget for rule %d", (int)a->rule);
    if ((a->rule == SAINT_RULE_FULL_GRAPH && a->r < 1) || (a->rule == SAINT_RULE_GRID && (a->grid_w < 1 || a->grid_h < 1)))
        return saint_fail(err, SAINT_INVALID, "choose: expected r and a grid of at least 1, found %d and %d x %d", a->r, a->grid_w, a->grid_h);
    for (int s = 0; s < a->n_seqs; s++) {
        int first, n = saint_choose_candidates(a, s, &first);
        if (a->cu[0] != 0 || a->cu[s + 1] < a->cu[s] || n > SAINT_CHOOSE_TOKENS)
            return saint_fail(err, SAINT_INVALID, "choose: expected ascending rows and at most %d candidates, found %d in rows %d..%d", SAINT_CHOOSE_TOKENS, n,
                              a->cu[s], a->cu[s + 1]);
        int room = a->rule == SAINT_RULE_MATCH ? n / 2 : n;
        if (a->n_drop && (a->n_drop[s] < 0 || a->n_drop[s] > room))
            return saint_fail(err, SAINT_INVALID, "choose: of %d candidates at most %d can go, asked to drop %d", n, room, a->n_drop[s]);
        if (n > *most) *most = n;
    }
    if (a->cu[a->n_seqs] == 0) return saint_fail(err, SAINT_INVALID, "choose: expected rows, found none");
    return SAINT_OK;
}

/* Pieces of one scratch block. */
typedef struct {
    char *base;
    size_t used;
} pieces;

static void *take(pieces *p, size_t count, size_t size)
{
    void *at = p->base ? p->base + p->used : NULL;
    p->used += (count * size + 255) / 256 * 256;
    return at;
}

static void place(pieces *p, const saint_choose_args *a, size_t rows, saint_cuda_choose_args *d)
{
    d->unit = take(p, saint_rule_reads_metric(a->rule) ? rows * (size_t)a->dim : 0, sizeof *d->unit);
    d->self = take(p, a->rule == SAINT_RULE_FULL_GRAPH ? rows : 0, sizeof *d->self);
    d->bad = take(p, rows, sizeof *d->bad);
    d->partner = take(p, rows, sizeof *d->partner);
    d->list = take(p, rows, sizeof *d->list);
    d->cu_to = take(p, (size_t)a->n_seqs + 1, sizeof *d->cu_to);
}

static int bits_of(int w, int h)
{
    int bits = 0, side = w > h ? w : h;
    while (1 << bits < side) bits++;
    return bits;
}

/* cu and n_drop to the device, in one piece. */
static saint_status bring(saint_cuda *c, const saint_choose_args *a, saint_cuda_choose_args *d, saint_error *err)
{
    const void *p;
    size_t n = (size_t)a->n_seqs;
    saint_status s = saint_cuda_argument(c, a->cu, (n + 1) * sizeof *a->cu, &p, err);
    d->cu = p;
    if (s == SAINT_OK && a->n_drop) {
        s = saint_cuda_argument(c, a->n_drop, n * sizeof *a->n_drop, &p, err);
        d->n_drop = p;
    }
    return s;
}

/* What is known beforehand. */
static void budget(const saint_choose_args *a)
{
    a->cu_to[0] = 0;
    for (int s = 0; s < a->n_seqs; s++) a->cu_to[s + 1] = a->cu_to[s] + (a->cu[s + 1] - a->cu[s]) - a->n_drop[s];
}

static saint_status cuda_choose(saint_backend *b, const saint_choose_args *a, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    int most;
    pieces size = {0}, real = {0};
    void *scratch;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK || (s = check(a, &most, err)) != SAINT_OK) return s;
    if (!a->n_drop && (s = saint_cuda_unrecorded(c, "a vote, which is waited for,", err)) != SAINT_OK) return s;
    int rows = a->cu[a->n_seqs];
    size_t mail = ((size_t)a->n_seqs + 1) * sizeof *a->cu_to;
    saint_cuda_choose_args d = {.rule = (int)a->rule, .n_seqs = a->n_seqs, .rows = rows, .most = most, .n_prefix = a->n_prefix, .window = a->window,
                                .in_order = a->in_order, .metric = a->metric, .attention = a->attention, .dim = a->dim, .threshold = a->threshold,
                                .reach = a->reach, .gamma = a->gamma, .K = a->K, .r = a->r, .batch_mean = a->batch_mean, .overwrite_r = a->overwrite_r,
                                .grid_w = a->grid_w, .grid_bits = bits_of(a->grid_w, a->grid_h), .seed = a->seed, .d = a->d, .x = a->x, .x_to = a->x_to,
                                .from = a->from, .to = a->to, .record = saint_choice_record_at(a->record, a->n_seqs, rows)};
    place(&size, a, (size_t)rows, &d);
    if ((s = saint_cuda_scratch(c, "selection", size.used, &scratch, err)) != SAINT_OK) return s;
    real.base = scratch;
    place(&real, a, (size_t)rows, &d);
    if ((s = bring(c, a, &d, err)) != SAINT_OK) return s;
    if (a->n_drop) budget(a);
    s = saint_cuda_check(c, saint_cuda_choose(&d, c->stream), err, "choice among %d rows", rows);
    if (s == SAINT_OK) s = saint_cuda_check(c, saint_cuda_compact(&d, c->stream), err, "compaction of %d rows", rows);
    if (s == SAINT_OK && !a->n_drop) s = mailbox_send(c, d.cu_to, mail, err); /* before the gather, which the wait hides behind */
    if (s == SAINT_OK) s = saint_cuda_check(c, saint_cuda_gather_list(&d, a->n_drop ? a->cu_to[a->n_seqs] : rows, c->stream), err, "gather of %d rows", rows);
    return s == SAINT_OK && !a->n_drop ? mailbox_open(c, a->cu_to, mail, err) : s;
}

static saint_status cuda_post(saint_backend *b, void *dst, const void *host, size_t bytes, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    const void *p;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = saint_cuda_argument(c, host, bytes, &p, err);
    if (s != SAINT_OK || bytes == 0) return s;
    return saint_cuda_check(c, cudaMemcpyAsync(dst, p, bytes, cudaMemcpyDeviceToDevice, c->stream), err, "post of %zu bytes", bytes);
}

/* One tray: letters from number *i, byte *at on, as far as there is room. Sent (copy) or read. */
static saint_status walk_letters(saint_cuda *c, const saint_letter *l, int n, int *i, size_t *at, size_t room, bool send, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (size_t used = 0; *i < n && s == SAINT_OK;) {
        size_t part = l[*i].bytes - *at < room - used ? l[*i].bytes - *at : room - used;
        const char *here = (const char *)l[*i].here + *at;
        char *tray = c->tray.host + used, *host = (char *)l[*i].host + *at;
        if (part && send) s = saint_cuda_check(c, cudaMemcpyAsync(tray, here, part, cudaMemcpyDeviceToHost, c->stream), err, "mail of %zu bytes", part);
        else if (part) memcpy(host, tray, part);
        used += part;
        *at += part;
        if (*at < l[*i].bytes) break; /* the tray is full */
        *at = 0;
        ++*i;
    }
    return s;
}

static saint_status cuda_collect(saint_backend *b, const saint_letter *letter, int n, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    size_t all = 0, from = 0, to = 0;
    int first = 0, end = 0;
    saint_status s = saint_cuda_enter(c, err);
    for (int i = 0; i < n; i++) all += letter[i].bytes;
    size_t room = all < SAINT_CUDA_TRAY_BYTES ? all : SAINT_CUDA_TRAY_BYTES;
    if (s == SAINT_OK) s = saint_cuda_unrecorded(c, "a download", err);
    if (s == SAINT_OK) s = mailbox_room(c, room, err);
    while (end < n && s == SAINT_OK) {
        s = walk_letters(c, letter, n, &end, &to, room, true, err);
        if (s == SAINT_OK) s = saint_cuda_check(c, cudaEventRecord(c->tray.arrived, c->stream), err, "mail of %zu bytes", all);
        if (s == SAINT_OK) s = saint_cuda_check(c, cudaEventSynchronize(c->tray.arrived), err, "wait for mail of %zu bytes", all);
        if (s == SAINT_OK) s = walk_letters(c, letter, n, &first, &from, room, false, err);
    }
    return s;
}

static saint_status check_mark(int slot, saint_error *err)
{
    return slot >= 0 && slot < SAINT_MARKS ? SAINT_OK : saint_fail(err, SAINT_INVALID, "mark: expected 0 to %d, found %d", SAINT_MARKS - 1, slot);
}

static saint_status cuda_mark(saint_backend *b, int slot, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = check_mark(slot, err);
    if (s == SAINT_OK && !c->mark[slot]) s = saint_cuda_check(c, cudaEventCreateWithFlags(&c->mark[slot], cudaEventDefault), err, "cudaEventCreate");
    unsigned flags = c->recording ? cudaEventRecordExternal : cudaEventRecordDefault; /* a recorded mark notes the time whenever it is replayed */
    return s == SAINT_OK ? saint_cuda_check(c, cudaEventRecordWithFlags(c->mark[slot], c->stream, flags), err, "mark") : s;
}

static saint_status cuda_elapsed(saint_backend *b, int from, int to, double *seconds, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    float ms = 0;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = check_mark(from, err);
    if (s == SAINT_OK) s = check_mark(to, err);
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaEventElapsedTime(&ms, c->mark[from], c->mark[to]), err, "cudaEventElapsedTime");
    *seconds = (double)ms / 1e3;
    return s;
}

const saint_chooser_ops saint_cuda_chooser = {.mean_heads = saint_cuda_mean_heads_here,
                                              .attention_row = saint_cuda_attention_row_here,
                                              .choose = cuda_choose,
                                              .rope_store = saint_cuda_rope_store_here,
                                              .post = cuda_post,
                                              .collect = cuda_collect,
                                              .peek = saint_cuda_peek,
                                              .mark = cuda_mark,
                                              .elapsed = cuda_elapsed};
