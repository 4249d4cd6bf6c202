#define _GNU_SOURCE
#include "sweep/ranks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *(*lookup)(void *ud, const char *name);
    void *ud;
} environment;

/* Variables of one launcher. size may have several names. */
typedef struct {
    const char *launcher, *rank, *size[3], *local_rank, *local_size[2], *job;
} source;

static const source sources[] = {
    {"openmpi",
     "OMPI_COMM_WORLD_RANK",
     {"OMPI_COMM_WORLD_SIZE"},
     "OMPI_COMM_WORLD_LOCAL_RANK",
     {"OMPI_COMM_WORLD_LOCAL_SIZE"},
     "OMPI_MCA_ess_base_jobid"},
    {"pmix", "PMIX_RANK", {"PMIX_SIZE", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"}, "SLURM_LOCALID", {NULL}, "PMIX_NAMESPACE"},
    {"pmi", "PMI_RANK", {"PMI_SIZE"}, "MPI_LOCALRANKID", {"MPI_LOCALNRANKS"}, "PMI_JOBID"},
};

static const char *get(const environment *e, const char *name)
{
    const char *v = name ? e->lookup(e->ud, name) : NULL;
    return v && *v ? v : NULL;
}

static saint_status whole(const char *name, const char *text, long min, long max, long *out, saint_error *err)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (end == text || *end || errno || *out < min || *out > max)
        return saint_fail(err, SAINT_INVALID, "%s=%.60s: expected a whole number from %ld to %ld", name, text, min, max);
    return SAINT_OK;
}

static saint_status local(const environment *e, const char *rank_name, const char *size_name, sweep_rank *out, saint_error *err)
{
    const char *rank = get(e, rank_name), *size = get(e, size_name);
    long v;
    saint_status s = SAINT_OK;
    if (rank && (s = whole(rank_name, rank, 0, 1 << 20, &v, err)) == SAINT_OK) out->local_rank = (int)v;
    if (s == SAINT_OK && size && (s = whole(size_name, size, 1, 1 << 20, &v, err)) == SAINT_OK) out->local_world = (int)v;
    return s;
}

static saint_status from(const environment *e, const source *src, sweep_rank *out, saint_error *err)
{
    const char *size_name = src->size[0];
    long rank, world;
    for (int i = 0; i < 3 && src->size[i]; i++)
        if (get(e, src->size[i])) {
            size_name = src->size[i];
            break;
        }
    const char *r = get(e, src->rank), *w = get(e, size_name);
    if (!r || !w)
        return saint_fail(err, SAINT_INVALID, "%s: found %s but not %s; give --rank and --world", src->launcher, r ? src->rank : size_name,
                          r ? size_name : src->rank);
    saint_status s = whole(size_name, w, 1, 1 << 20, &world, err);
    if (s == SAINT_OK) s = whole(src->rank, r, 0, world - 1, &rank, err);
    if (s != SAINT_OK) return s;
    *out = (sweep_rank){.rank = (int)rank, .world = (int)world, .local_rank = -1, .launcher = src->launcher};
    snprintf(out->job, sizeof out->job, "%s", get(e, src->job) ? get(e, src->job) : "");
    return local(e, src->local_rank, src->local_size[0], out, err);
}

/* Inside srun: a batch script itself has SLURM_PROCID 0 and SLURM_NTASKS of the whole job, but no step of its own. */
static saint_status from_slurm(const environment *e, sweep_rank *out, bool *found, saint_error *err)
{
    static const source srun = {"slurm", "SLURM_PROCID", {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}, "SLURM_LOCALID", {NULL}, "SLURM_JOB_ID"};
    const char *n = get(e, "SLURM_STEP_NUM_TASKS") ? get(e, "SLURM_STEP_NUM_TASKS") : get(e, "SLURM_NTASKS");
    const char *step = get(e, "SLURM_STEP_ID");
    *found = step && n && strcmp(n, "1") != 0;
    if (!*found && step && !n && get(e, "SLURM_PROCID"))
        *found = strcmp(get(e, "SLURM_PROCID"), "0") != 0; /* one of several, but of how many? */
    return *found ? from(e, &srun, out, err) : SAINT_OK;
}

static saint_status from_array(const environment *e, sweep_rank *out, bool *found, saint_error *err)
{
    const char *id = get(e, "SLURM_ARRAY_TASK_ID"), *count = get(e, "SLURM_ARRAY_TASK_COUNT"), *min = get(e, "SLURM_ARRAY_TASK_MIN");
    long i, n, first = 0;
    *found = id || count;
    if (!*found) return SAINT_OK;
    if (!id || !count)
        return saint_fail(err, SAINT_INVALID, "slurm-array: found %s but not %s; give --rank and --world",
                          id ? "SLURM_ARRAY_TASK_ID" : "SLURM_ARRAY_TASK_COUNT", id ? "SLURM_ARRAY_TASK_COUNT" : "SLURM_ARRAY_TASK_ID");
    saint_status s = whole("SLURM_ARRAY_TASK_COUNT", count, 1, 1 << 20, &n, err);
    if (s == SAINT_OK) s = whole("SLURM_ARRAY_TASK_ID", id, 0, 1L << 30, &i, err);
    if (s == SAINT_OK && min) s = whole("SLURM_ARRAY_TASK_MIN", min, 0, 1L << 30, &first, err);
    if (s != SAINT_OK) return s;
    /* --array=1,5,9 has numbers beyond its count: the rank only has to be one below it */
    *out = (sweep_rank){.rank = (int)((i >= first ? i - first : i) % n), .world = (int)n, .local_rank = -1, .launcher = "slurm-array"};
    const char *job = get(e, "SLURM_ARRAY_JOB_ID");
    snprintf(out->job, sizeof out->job, "%s", job ? job : "");
    return SAINT_OK;
}

static saint_status given(long rank, long world, sweep_rank *out, saint_error *err)
{
    if (rank < 0 || world < 0)
        return saint_fail(err, SAINT_INVALID, "--rank and --world belong together, found only --%s", rank < 0 ? "world" : "rank");
    if (world < 1 || rank >= world)
        return saint_fail(err, SAINT_INVALID, "--rank %ld --world %ld: expected a rank from 0 to world - 1", rank, world);
    *out = (sweep_rank){.rank = (int)rank, .world = (int)world, .local_rank = -1, .launcher = "options"};
    return SAINT_OK;
}

saint_status sweep_rank_find(const char *(*lookup)(void *ud, const char *name), void *ud, long rank, long world, sweep_rank *out,
                             saint_error *err)
{
    const environment e = {lookup, ud};
    bool found = false;
    *out = (sweep_rank){.world = 1, .local_rank = -1, .launcher = "none"};
    if (rank >= 0 || world >= 0) return given(rank, world, out, err);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (get(&e, sources[i].rank) || (i != 1 && get(&e, sources[i].size[0]))) return from(&e, &sources[i], out, err);
    saint_status s = from_slurm(&e, out, &found, err);
    if (s == SAINT_OK && !found) s = from_array(&e, out, &found, err);
    return s;
}

int sweep_rank_device(const sweep_rank *r, int devices)
{
    int number = r->local_rank >= 0 ? r->local_rank : r->rank;
    return devices > 0 ? number % devices : 0;
}
