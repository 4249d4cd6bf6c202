/* cpu_load.h - what other programs take of the CPUs that this process may use: times measured beside them are not the program's own.
 *
 * Linux only: busy time of these CPUs from /proc/stat, less the process's own. Time that a hypervisor gave to other machines counts as
 * others', and so do children of this process. Elsewhere, or where /proc/stat hides CPUs, nothing is told and the machine seems idle. */
#ifndef SAINT_APP_CPU_LOAD_H
#define SAINT_APP_CPU_LOAD_H

#include <sched.h>
#include <stdbool.h>

/* Others disturb from this share of the CPUs on, as seen in windows of so many seconds: the kernel counts in ticks of 10 ms, so half a second
 * of two CPUs is known to a few percent, and what begins is noticed as late. */
#define CPU_LOAD_DISTURBS 0.1
#define CPU_LOAD_WINDOW 0.5

/* One moment. Seconds; busy, own: of all CPUs together. */
typedef struct {
    double at, busy, own;
    int n_cpus; /* 0: unknown */
} cpu_moment;

typedef struct {
    const char *stat; /* path of /proc/stat */
    cpu_set_t cpus;
    double window; /* seconds */
    cpu_moment last;
    double share;  /* of the CPUs, taken by others in the window before; NaN before there was one */
} cpu_load;

/* stat: another file instead of /proc/stat, or NULL; it must outlive the handle. The environment's SAINT_PROC_STAT is for the callers. */
void cpu_load_begin(cpu_load *l, const char *stat);
/* The share of the CPUs, 0 to 1, that others took in the last full window; NaN while that is unknown. Cheap: reads a clock. */
double cpu_load_others(cpu_load *l);
/* cpu_load_others is known and disturbs. */
bool cpu_load_disturbed(cpu_load *l);

/* The parts of it. text: that of /proc/stat; hertz: its ticks in a second. n_cpus is 0 unless every one of cpus is told of. */
cpu_moment cpu_load_parse(const char *text, const cpu_set_t *cpus, double hertz);
/* Share that others took between two moments, at least 0; NaN when nothing can be told. */
double cpu_load_between(const cpu_moment *from, const cpu_moment *to);

#endif
