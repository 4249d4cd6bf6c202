#define _GNU_SOURCE
#include "sweep/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

void sweep_machine_host(char *out, size_t size)
{
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !name[0]) snprintf(name, sizeof name, "host");
    snprintf(out, size, "%.*s", (int)size - 1, name);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '.') *c = '_';
    if (out[0] == '.') out[0] = '_';
}

static void first_line(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0) close(fd);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

/* "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue ..." */
void sweep_machine_driver(char *out, size_t size)
{
    char line[512];
    first_line("/proc/driver/nvidia/version", line, sizeof line);
    static const char digits[] = "0123456789.";
    const char *word = line;
    size_t n = 0;
    for (; *word; word += n ? n : 1) {
        n = strspn(word, digits);
        if (n >= 5 && memchr(word, '.', n)) break;
    }
    snprintf(out, size, "%.*s", *word ? (int)n : 0, word);
}

void sweep_machine_cpu(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[512];
    snprintf(out, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(out, size, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
        break;
    }
    if (f) fclose(f);
}

void sweep_machine_json(cJSON *o)
{
    char host[256], cpu[256], os[256] = "unknown";
    struct utsname u;
    struct sysinfo info;
    sweep_machine_host(host, sizeof host);
    sweep_machine_cpu(cpu, sizeof cpu);
    if (uname(&u) == 0) snprintf(os, sizeof os, "%s %s %s", u.sysname, u.release, u.machine);
    cJSON_AddStringToObject(o, "host", host);
    cJSON_AddStringToObject(o, "os", os);
    cJSON_AddStringToObject(o, "cpu", cpu);
    cJSON_AddNumberToObject(o, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN));
    if (sysinfo(&info) == 0) cJSON_AddNumberToObject(o, "ram_bytes", (double)info.totalram * info.mem_unit);
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

/* Clock ticks since boot at which a process began, 0 = not to be read. Fields 3 and 22 of /proc/PID/stat; the name before them may hold
 * anything. *ended: it has died and waits for its parent to ask. */
static uint64_t start_of(long pid, bool *ended)
{
    char path[64], stat[2048];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    first_line(path, stat, sizeof stat);
    const char *p = strrchr(stat, ')');
    *ended = p && p[1] == ' ' && (p[2] == 'Z' || p[2] == 'X');
    for (int field = 2; p && field < 22; field++) p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* The boot and the process namespace in which a pid means something. */
static void space_of(char *out, size_t size)
{
    char boot[64], space[64] = "";
    first_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[n > 0 ? n : 0] = 0;
    const char *number = strchr(space, '[');
    snprintf(out, size, "%.40s-%.*s", boot[0] ? boot : "unknown", number ? (int)strcspn(number + 1, "]") : 0, number ? number + 1 : "");
}

void sweep_process_self(sweep_process *out)
{
    bool ended;
    out->pid = (long)getpid();
    out->start = start_of(out->pid, &ended);
    space_of(out->space, sizeof out->space);
}

int sweep_process_alive(const sweep_process *p)
{
    char space[80];
    space_of(space, sizeof space);
    if (strcmp(space, p->space) != 0 || p->pid <= 0) return -1;
    if (kill((pid_t)p->pid, 0) != 0 && errno == ESRCH) return 0;
    bool ended;
    uint64_t start = start_of(p->pid, &ended);
    if (ended) return 0;
    return !p->start || !start || start == p->start; /* another process may have got the number */
}

void sweep_process_text(const sweep_process *p, char *out, size_t size)
{
    snprintf(out, size, "%ld %" PRIu64 " %s", p->pid, p->start, p->space);
}

bool sweep_process_parse(const char *text, sweep_process *out)
{
    memset(out, 0, sizeof *out);
    return sscanf(text, "%ld %" SCNu64 " %79s", &out->pid, &out->start, out->space) == 3;
}
