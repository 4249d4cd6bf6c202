#define _GNU_SOURCE
#include "cpu_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* user, nice, system, idle, iowait, irq, softirq, steal; what guests of this machine used is in user already. */
enum { FIELDS = 8, IDLE = 3, WAITING = 4 };

static bool parse_line(const char *line, long *cpu, double *ticks)
{
    char *end;
    if (strncmp(line, "cpu", 3) != 0 || line[3] < '0' || line[3] > '9') return false;
    *cpu = strtol(line + 3, &end, 10);
    *ticks = 0;
    for (int i = 0; i < FIELDS; i++) {
        const char *from = end;
        unsigned long long v = strtoull(from, &end, 10);
        if (end == from) return i > WAITING; /* kernels before 2.6.11 have fewer */
        if (i != IDLE && i != WAITING) *ticks += (double)v;
    }
    return true;
}

cpu_moment cpu_load_parse(const char *text, const cpu_set_t *cpus, double hertz)
{
    cpu_moment m = {0};
    double ticks;
    long cpu;
    for (const char *line = text; *line;) {
        if (parse_line(line, &cpu, &ticks) && cpu < CPU_SETSIZE && CPU_ISSET((size_t)cpu, cpus)) {
            m.busy += ticks / hertz;
            m.n_cpus++;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    if (m.n_cpus != CPU_COUNT(cpus)) m.n_cpus = 0;
    return m;
}

double cpu_load_between(const cpu_moment *from, const cpu_moment *to)
{
    double span = to->at - from->at;
    if (from->n_cpus <= 0 || to->n_cpus != from->n_cpus || span <= 0) return NAN;
    return fmax(0, to->busy - from->busy - (to->own - from->own)) / (span * to->n_cpus);
}

static double seconds_of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *read_all(const char *path)
{
    size_t used = 0, room = 1 << 14;
    char *text = malloc(room);
    FILE *f = fopen(path, "re");
    while (f && text) {
        used += fread(text + used, 1, room - 1 - used, f);
        if (used < room - 1) break;
        char *more = realloc(text, room *= 2);
        if (!more) free(text);
        text = more;
    }
    if (!f) {
        free(text);
        return NULL;
    }
    fclose(f);
    if (text) text[used] = 0;
    return text;
}

static cpu_moment look(const cpu_load *l)
{
    char *text = l->stat ? read_all(l->stat) : NULL;
    cpu_moment m = text ? cpu_load_parse(text, &l->cpus, (double)sysconf(_SC_CLK_TCK)) : (cpu_moment){0};
    struct rusage own;
    m.at = now();
    if (getrusage(RUSAGE_SELF, &own) == 0) m.own = seconds_of(own.ru_utime) + seconds_of(own.ru_stime);
    else m.n_cpus = 0;
    free(text);
    return m;
}

void cpu_load_begin(cpu_load *l, const char *stat)
{
    *l = (cpu_load){.stat = stat ? stat : "/proc/stat", .window = CPU_LOAD_WINDOW, .share = NAN};
    if (sched_getaffinity(0, sizeof l->cpus, &l->cpus) != 0) l->stat = NULL; /* more CPUs than the set has room for */
    l->last = look(l);
}

double cpu_load_others(cpu_load *l)
{
    if (now() - l->last.at < l->window) return l->share;
    cpu_moment m = look(l);
    l->share = cpu_load_between(&l->last, &m);
    l->last = m;
    return l->share;
}

bool cpu_load_disturbed(cpu_load *l)
{
    double share = cpu_load_others(l);
    return !isnan(share) && share > CPU_LOAD_DISTURBS;
}
