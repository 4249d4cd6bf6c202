#define _GNU_SOURCE
#include "sweep/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sweep/folder.h"
#include "sweep/machine.h"
#include "version.h"

enum { SYNC_SECONDS = 1, BEAT_SECONDS = 5 };

struct sweep_journal {
    int fd;
    uint64_t attempt;
    char plan[17], name[256], path[4096 + 300];
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool dirty, leave;
    int sync_failed; /* errno of the keeper's fsync */
};

/* ---- the keeper: fsync and heartbeat while a sample takes its minutes --------------------------------------------- */

static void *keep(void *ud)
{
    sweep_journal *j = ud;
    double beat = saint_now();
    pthread_mutex_lock(&j->lock);
    while (!j->leave) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += SYNC_SECONDS;
        pthread_cond_timedwait(&j->wake, &j->lock, &until);
        if (j->leave) break;
        bool dirty = j->dirty;
        j->dirty = false;
        pthread_mutex_unlock(&j->lock);
        int why = dirty && fdatasync(j->fd) != 0 ? errno : 0;
        if (saint_now() - beat >= BEAT_SECONDS) {
            futimens(j->fd, NULL);
            beat = saint_now();
        }
        pthread_mutex_lock(&j->lock);
        if (why) j->sync_failed = why;
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static bool start_keeper(sweep_journal *j)
{
    pthread_condattr_t a;
    if (pthread_mutex_init(&j->lock, NULL) != 0) return false;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wake, &a);
    pthread_condattr_destroy(&a);
    j->has_keeper = pthread_create(&j->keeper, NULL, keep, j) == 0;
    return j->has_keeper;
}

static void stop_keeper(sweep_journal *j)
{
    if (!j->has_keeper) return;
    pthread_mutex_lock(&j->lock);
    j->leave = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->keeper, NULL);
    pthread_mutex_destroy(&j->lock);
    pthread_cond_destroy(&j->wake);
    j->has_keeper = false;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static saint_status failed(const sweep_journal *j, int why, saint_error *err)
{
    return saint_fail(err, SAINT_IO, "%s: cannot be made durable: %s", j->path, strerror(why));
}

static saint_status append(sweep_journal *j, const char *head, cJSON *record, saint_error *err)
{
    char *text = record ? cJSON_PrintUnformatted(record) : NULL, *object = NULL;
    cJSON_Delete(record);
    if (!text || asprintf(&object, "{\"v\":1,%s,\"rec\":%s}", head, text) < 0) {
        cJSON_free(text);
        return saint_fail(err, SAINT_MEMORY, "%s: no memory for a line", j->path);
    }
    cJSON_free(text);
    saint_status s = sweep_line_append(j->fd, j->path, object, err);
    free(object);
    if (!j->has_keeper) return s;
    pthread_mutex_lock(&j->lock);
    if (s == SAINT_OK) j->dirty = true;
    int why = j->sync_failed;
    pthread_mutex_unlock(&j->lock);
    return s == SAINT_OK && why ? failed(j, why, err) : s;
}

saint_status sweep_journal_record(sweep_journal *j, const eval_result *r, int try, saint_error *err)
{
    char head[200];
    snprintf(head, sizeof head,
             "\"k\":\"r\",\"p\":\"%.8s\",\"t\":\"%016" PRIx64 "\",\"s\":%" PRIu32 ",\"n\":%" PRIu32 ",\"try\":%d,\"ok\":%s", j->plan,
             r->trial, r->sample, r->repeat, try, r->state == EVAL_OK ? "true" : "false");
    return append(j, head, eval_result_json(r), err);
}

saint_status sweep_journal_stopped(sweep_journal *j, uint64_t trial, size_t n, double diff, double high, saint_error *err)
{
    char head[100];
    cJSON *o = cJSON_CreateObject();
    snprintf(head, sizeof head, "\"k\":\"s\",\"p\":\"%.8s\",\"t\":\"%016" PRIx64 "\"", j->plan, trial);
    cJSON_AddNumberToObject(o, "n", (double)n);
    cJSON_AddNumberToObject(o, "diff", diff);
    cJSON_AddNumberToObject(o, "high", high);
    cJSON_AddNumberToObject(o, "at", (double)time(NULL));
    return append(j, head, o, err);
}

cJSON *sweep_launch_json(const sweep_launch *l, uint64_t attempt)
{
    char hex[17];
    cJSON *o = cJSON_CreateObject(), *argv;
    snprintf(hex, sizeof hex, "%016" PRIx64, attempt);
    cJSON_AddStringToObject(o, "attempt", hex);
    cJSON_AddStringToObject(o, "plan", l->plan);
    sweep_machine_json(o);
    cJSON_AddStringToObject(o, "backend", l->backend);
    cJSON_AddStringToObject(o, "dtype", l->dtype);
    cJSON_AddStringToObject(o, "device", l->device);
    cJSON_AddStringToObject(o, "driver", l->driver);
    cJSON_AddStringToObject(o, "kernels", l->kernels);
    cJSON_AddNumberToObject(o, "threads", l->threads);
    cJSON_AddStringToObject(o, "launcher", l->rank->launcher);
    cJSON_AddNumberToObject(o, "rank", l->rank->rank);
    cJSON_AddNumberToObject(o, "world", l->rank->world);
    cJSON_AddNumberToObject(o, "local_rank", l->rank->local_rank);
    cJSON_AddStringToObject(o, "job", l->rank->job);
    cJSON_AddStringToObject(o, "version", saint_version);
    cJSON_AddStringToObject(o, "commit", saint_commit);
    if (saint_dirty >= 0) cJSON_AddBoolToObject(o, "dirty", saint_dirty);
    cJSON_AddStringToObject(o, "build", saint_build_flags);
    cJSON_AddNumberToObject(o, "pid", (double)getpid());
    cJSON_AddNumberToObject(o, "started", (double)time(NULL));
    argv = cJSON_AddArrayToObject(o, "argv");
    for (int i = 0; i < l->argc; i++) {
        char *clean = eval_clean_text(l->argv[i]);
        if (clean) cJSON_AddItemToArray(argv, cJSON_CreateString(clean));
        free(clean);
    }
    return o;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static saint_status create(sweep_journal *j, const char *folder, saint_error *err)
{
    char host[65];
    sweep_machine_host(host, sizeof host);
    if (getrandom(&j->attempt, sizeof j->attempt, 0) != (ssize_t)sizeof j->attempt)
        j->attempt = (uint64_t)time(NULL) << 32 ^ (uint64_t)getpid() << 8 ^ (uint64_t)(saint_now() * 1e9);
    snprintf(j->name, sizeof j->name, "%s-%ld-%016" PRIx64, host, (long)getpid(), j->attempt);
    snprintf(j->path, sizeof j->path, "%s/journal/%s.jsonl", folder, j->name);
    j->fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (j->fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", j->path, strerror(errno));
    return SAINT_OK;
}

saint_status sweep_journal_open(sweep_journal **out, const char *folder, const sweep_launch *l, saint_error *err)
{
    char head[64], journals[4096 + 16];
    sweep_journal *j = calloc(1, sizeof *j);
    *out = NULL;
    if (!j) return saint_fail(err, SAINT_MEMORY, "no memory for a journal");
    snprintf(j->plan, sizeof j->plan, "%s", l->plan);
    snprintf(journals, sizeof journals, "%s/journal", folder);
    snprintf(head, sizeof head, "\"k\":\"a\",\"p\":\"%.8s\"", j->plan);
    saint_status s = create(j, folder, err);
    if (s != SAINT_OK) {
        free(j);
        return s;
    }
    s = append(j, head, sweep_launch_json(l, j->attempt), err);
    if (s == SAINT_OK && fsync(j->fd) != 0) s = failed(j, errno, err);
    if (s == SAINT_OK) s = sweep_folder_sync(journals, err);
    if (s == SAINT_OK && !start_keeper(j)) s = saint_fail(err, SAINT_IO, "no thread to be had for the journal");
    if (s != SAINT_OK) {
        sweep_journal_close(j, -1, NULL);
        return s;
    }
    *out = j;
    return SAINT_OK;
}

uint64_t sweep_journal_attempt(const sweep_journal *j) { return j->attempt; }
const char *sweep_journal_name(const sweep_journal *j) { return j->name; }

saint_status sweep_journal_sync(sweep_journal *j, saint_error *err) { return fdatasync(j->fd) == 0 ? SAINT_OK : failed(j, errno, err); }

saint_status sweep_journal_close(sweep_journal *j, int exit_status, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (!j) return s;
    stop_keeper(j);
    if (exit_status >= 0) {
        char head[64];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "exit", exit_status);
        cJSON_AddNumberToObject(o, "ended", (double)time(NULL));
        snprintf(head, sizeof head, "\"k\":\"e\",\"p\":\"%.8s\"", j->plan);
        s = append(j, head, o, err);
        if (s == SAINT_OK) s = sweep_journal_sync(j, err);
    }
    if (s == SAINT_OK && j->sync_failed) s = failed(j, j->sync_failed, err);
    close(j->fd);
    free(j);
    return s;
}
