/* choose.h - token selection where the hidden states lie: one call decides a site of all sequences of a batch, records how, and compacts.
 *
 * Optional. A backend without it leaves the decision to engine/select on the host, which costs a round trip for every site. Same rules, same
 * f32 arithmetic in the same order, so the lists are those of the methods' own code; what differs is named in select.cu.
 *
 * Nobody waits for a fixed budget: how many rows are left is known beforehand. Votes are waited for, once in a site, for n_seqs numbers. */
#ifndef SAINT_BACKEND_CHOOSE_H
#define SAINT_BACKEND_CHOOSE_H

#include "backend/fused.h"

/* What ranks the tokens of a site. Which method is which rule: engine/select/methods.def. */
typedef enum {
    SAINT_RULE_NONE,       /* by the host's code alone */
    SAINT_RULE_VOTES,      /* saint_drop */
    SAINT_RULE_FULL_GRAPH, /* iterative_drop_full_graph */
    SAINT_RULE_RANDOM,
    SAINT_RULE_GRID,
    SAINT_RULE_MATCH,      /* tome */
    SAINT_RULE_TOP_SORTED, /* most attention first: evit */
    SAINT_RULE_TOP,        /* most attention, old order: fastv */
    SAINT_RULE_COUNT
} saint_rule;
static inline bool saint_rule_reads_metric(saint_rule r)
{
    return r == SAINT_RULE_VOTES || r == SAINT_RULE_FULL_GRAPH || r == SAINT_RULE_MATCH;
}
static inline bool saint_rule_reads_attention(saint_rule r) { return r == SAINT_RULE_TOP_SORTED || r == SAINT_RULE_TOP; }

enum { SAINT_CHOOSE_TOKENS = 4096, SAINT_CHOOSE_DIM = 256 }; /* candidates of one sequence, width of the metric: more is the host's */

/* What travels with the hidden state, one value for a row, in backend memory. */
typedef struct {
    int32_t *patch, *pos;
    float *size, *bias; /* patches a row stands for, and the logarithm of that */
} saint_row_table;

/* How the choice in one sequence went. */
typedef struct {
    int32_t n_keep, n_rounds, n_merge;
    int32_t bad_row; /* first candidate whose metric (or attention) has a NaN or an infinity; -1 = none. The rest means nothing then */
    float margin;
    int32_t reserved[3];
} saint_choice;

/* The record of a site: saint_choice [n_seqs], then six columns over all rows, in order of entry; candidate i of sequence s is row
 * cu[s] + n_prefix + i, and nothing is said of other rows. kept and merges are lists: place k of sequence s is row cu[s] + n_prefix + k. */
typedef struct {
    saint_choice *choice;
    float *score;                                          /* NaN where a token was not ranked */
    int32_t *neighbours, *round, *kept, *merge_from, *merge_into; /* indices of candidates within their sequence; -1 where there is none */
} saint_choice_record;
static inline size_t saint_choice_record_bytes(int n_seqs, int rows)
{
    return ((size_t)n_seqs * sizeof(saint_choice) + 6 * (size_t)rows * sizeof(int32_t) + 255) / 256 * 256;
}
static inline saint_choice_record saint_choice_record_at(void *base, int n_seqs, int rows)
{
    saint_choice_record r;
    int32_t *column = (int32_t *)(void *)((saint_choice *)base + n_seqs);
    r.choice = (saint_choice *)base;
    r.score = (float *)(void *)column;
    r.neighbours = column + rows;
    r.round = r.neighbours + rows;
    r.kept = r.round + rows;
    r.merge_from = r.kept + rows;
    r.merge_into = r.merge_from + rows;
    return r;
}

typedef struct {
    saint_rule rule;
    int n_seqs;
    const int32_t *cu;     /* host [n_seqs + 1], rows before */
    int n_prefix, window;  /* of each sequence: rows in front that are no candidates; candidates behind them, -1 = all that follow */
    const int32_t *n_drop; /* host [n_seqs]: how many candidates go; NULL: the votes decide (SAINT_RULE_VOTES) */
    bool in_order;         /* survivors stay in their old order, whatever the rule's own is */
    const float *metric;   /* backend [rows, dim] mean keys, for rules that read it */
    int dim;
    const float *attention; /* backend [rows], for rules that read it */
    float threshold, reach, gamma; /* reach: what a cosine is compared with */
    int K, r;
    bool batch_mean, overwrite_r;
    uint64_t seed;
    int grid_w, grid_h;
    bool merged; /* some size in `from` differs from 1 */

    int64_t d;             /* width of the hidden state */
    float *x, *x_to;       /* backend [rows, d]: before (merging writes here) and behind */
    saint_row_table from, to;
    void *record;          /* backend, saint_choice_record_bytes() */
    int32_t *cu_to;        /* host [n_seqs + 1], rows behind: filled */
} saint_choose_args;

/* From the backend's memory to the host. */
typedef struct {
    void *host;
    const void *here;
    size_t bytes;
} saint_letter;

struct saint_chooser_ops {
    /* as mean_heads and attention_row of the backend; out and p in backend memory, and nobody waits */
    saint_status (*mean_heads)(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                               saint_error *err);
    saint_status (*attention_row)(saint_backend *b, const saint_attention_row_args *a, saint_error *err);
    saint_status (*choose)(saint_backend *b, const saint_choose_args *a, saint_error *err);
    /* As rope_store of fused.h, which a backend that chooses has too; pos in backend memory, where a choice has left it. */
    saint_status (*rope_store)(saint_backend *b, const saint_qkv *a, int64_t rows, const int32_t *pos, void *k, void *v, saint_error *err);
    /* As upload, for small things in the middle of a run: the host memory may be used again at once, and nobody waits. */
    saint_status (*post)(saint_backend *b, void *dst, const void *host, size_t bytes, saint_error *err);
    /* As downloads of all of them, through pinned memory and with one wait (for more than 16 MiB one for each 16), which is also a wait for all
     * that was queued before. */
    saint_status (*collect)(saint_backend *b, const saint_letter *letter, int n, saint_error *err);
    /* As download, of what was waited for already; from any thread, also while another one works with the backend, which it does not delay. */
    saint_status (*peek)(saint_backend *b, void *host, const void *src, size_t bytes, saint_error *err);
    /* Device time: `mark` notes the moment when all that is queued will be done, in one of SAINT_MARKS slots; `elapsed` tells the seconds
     * between two marks behind a sync. */
    saint_status (*mark)(saint_backend *b, int slot, saint_error *err);
    saint_status (*elapsed)(saint_backend *b, int from, int to, double *seconds, saint_error *err);
};
enum { SAINT_MARKS = 640 };

/* Where each candidate stands: first row and number of candidates of sequence s. */
static inline int saint_choose_candidates(const saint_choose_args *a, int s, int *first)
{
    int at = a->cu[s] + a->n_prefix, n = a->cu[s + 1] - at;
    *first = at;
    n = a->window >= 0 && a->window < n ? a->window : n;
    return n < 0 ? 0 : n;
}

#endif
