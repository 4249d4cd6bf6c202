/* journal.h - what a process did, on disk before it counts: FOLDER/journal/HOST-PID-ATTEMPT.jsonl, written by one process, only growing.
 *
 * Sealed lines (lines.h); "p" are the first 8 digits of the plan's id, so that a file copied from another sweep is noticed:
 *   {"v":1,"k":"a","p":..,"rec":{...}}                                             first: who writes
 *   {"v":1,"k":"r","p":..,"t":"TRIAL","s":SAMPLE,"n":REPEAT,"try":1,"ok":true,"rec":{...}}  a record (eval/result.h)
 *   {"v":1,"k":"s","p":..,"t":"TRIAL","rec":{...}}                                 the trial was stopped early
 *   {"v":1,"k":"e","p":..,"rec":{"exit":0,...}}                                    last: how it ended
 *
 * A line is one write(2); fsync follows within a second. The file's time of change is the heartbeat by which other machines see that its
 * process is alive. */
#ifndef SAINT_APP_SWEEP_JOURNAL_H
#define SAINT_APP_SWEEP_JOURNAL_H

#include "eval/result.h"
#include "sweep/lines.h"
#include "sweep/ranks.h"

/* ---- writing ---- */

typedef struct sweep_journal sweep_journal;

/* What the first line says beyond this machine's own facts. */
typedef struct {
    const char *plan;      /* id */
    const sweep_rank *rank;
    const char *dtype, *backend, *device, *driver, *kernels; /* "" = not known */
    int threads;
    int argc;
    char **argv;
} sweep_launch;

/* That line: who computes with what, and since when; owned by the caller. */
cJSON *sweep_launch_json(const sweep_launch *l, uint64_t attempt);
/* Make a journal with a new attempt number. SAINT_IO. */
saint_status sweep_journal_open(sweep_journal **out, const char *folder, const sweep_launch *l, saint_error *err);
uint64_t sweep_journal_attempt(const sweep_journal *j);
/* Name without folder and ending. */
const char *sweep_journal_name(const sweep_journal *j);
/* Append a record; try: 1 for the first, 2 and 3 for retries of errors. SAINT_IO when it could not be written whole (nothing of it is left)
 * or an earlier line could not be made durable. */
saint_status sweep_journal_record(sweep_journal *j, const eval_result *r, int try, saint_error *err);
saint_status sweep_journal_stopped(sweep_journal *j, uint64_t trial, size_t n, double diff, double high, saint_error *err);
/* Everything durable. SAINT_IO. */
saint_status sweep_journal_sync(sweep_journal *j, saint_error *err);
/* The last line, sync, close. exit_status < 0: no last line. NULL is allowed. */
saint_status sweep_journal_close(sweep_journal *j, int exit_status, saint_error *err);

/* ---- reading ---- */

typedef enum { SWEEP_LINE_RECORD, SWEEP_LINE_ATTEMPT, SWEEP_LINE_STOPPED, SWEEP_LINE_END, SWEEP_LINE_FOREIGN } sweep_line_kind;

/* The head of a line, read without parsing its record. */
typedef struct {
    sweep_line_kind kind; /* FOREIGN: of another plan or version */
    uint64_t trial;
    uint32_t sample, repeat;
    int try;
    bool ok;
    const char *record;   /* the text of the object "rec", n bytes, not terminated */
    size_t n;
} sweep_head;

/* false: whole by its CRC, but nothing this program writes. plan: id. */
bool sweep_head_read(const sweep_line *line, const char *plan, sweep_head *out);

/* Where reading a journal has come to. */
typedef struct {
    char name[256];      /* of the file, with its ending */
    uint64_t inode;
    size_t offset;       /* behind the last whole line that was read */
    size_t torn;         /* lines that were there and not whole, or of no known form */
    size_t foreign;      /* lines of another plan */
    bool tail;           /* something without an end follows */
} sweep_cursor;

typedef struct {
    size_t n;
    sweep_cursor *at;
} sweep_cursors;
void sweep_cursors_free(sweep_cursors *c);

/* Read what was appended to the journals of a folder since the cursors (n = 0: everything), files in the order of their names. each() gets
 * every line with the file's name; anything but SAINT_OK from it ends reading and is returned. SAINT_IO. */
saint_status sweep_journals_read(const char *folder, const char *plan, sweep_cursors *c,
                                 saint_status (*each)(void *ud, const char *name, const sweep_head *h, saint_error *err), void *ud,
                                 saint_error *err);

#endif
