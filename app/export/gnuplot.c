/* gnuplot.c - see child.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "export/child.h"

enum { START_MS = 10000, CLOSE_MS = 1000, OUTPUT_MOST = 64 << 20, MESSAGE_MOST = 4096, CPU_SECONDS = 120 };

struct gnuplot {
    char *program, *folder; /* folder: its working directory, empty and its own */
    pid_t pid;              /* 0 = not running */
    int in, out, err;       /* our ends */
    char version[32];
    char *terminals; /* " dumb png svg " */
};

/* ---- scripts -------------------------------------------------------------------------------------------------------------- */

/* Doubling a quote inside quotes is what gnuplot's manual says, but 5.4 ends the text at two doubled ones in a row and at one in front, and
 * reads what follows as more of the command. So there never is a quote inside: the text ends before it and is joined with one of ours. */
void child_quote(text_buf *script, const char *text)
{
    text_char(script, '\'');
    for (const char *p = text; *p;) {
        size_t n = text_character(p);
        if (n == 0) text_char(script, '?');
        else if (*p == '\'') text_put(script, "'.\"\\047\".'");
        else if ((unsigned char)*p < 0x20 || *p == 0x7f) text_char(script, ' ');
        else text_bytes(script, p, n);
        p += n ? n : 1;
    }
    text_char(script, '\'');
}

void child_number(text_buf *script, double x)
{
    if (isfinite(x)) text_format(script, "%.17g", x);
    else text_put(script, "NaN");
}

static saint_status random_word(const char *prefix, char *out, size_t size, saint_error *err)
{
    uint64_t bits[2];
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return saint_fail(err, SAINT_IO, "gnuplot: no random numbers: %s", strerror(errno));
    (void)snprintf(out, size, "%s%016llx%016llx", prefix, (unsigned long long)bits[0], (unsigned long long)bits[1]);
    return SAINT_OK;
}

saint_status child_block_open(child_block *b, text_buf *script, const char *name, saint_error *err)
{
    saint_status s = random_word("END_", b->end, sizeof b->end, err);
    if (s == SAINT_OK) text_format(script, "$%s << %s\n", name, b->end);
    return s;
}

void child_block_close(const child_block *b, text_buf *script) { text_format(script, "%s\n", b->end); }

/* ---- process -------------------------------------------------------------------------------------------------------------- */

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

/* Its group too: it may have started a viewer. */
static void kill_child(gnuplot *g)
{
    close_fd(&g->in);
    close_fd(&g->out);
    close_fd(&g->err);
    if (g->pid <= 0) return;
    kill(-g->pid, SIGKILL);
    while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR) continue;
    g->pid = 0;
}

static void set_limit(pid_t pid, __rlimit_resource_t what, rlim_t value)
{
    const struct rlimit r = {value, value};
    (void)prlimit(pid, what, &r, NULL); /* where this is not allowed, time-outs still hold */
}

static int prepare_spawn(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, const gnuplot *g, const int fd[3])
{
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    static const int reset[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH};
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++) sigaddset(&all, reset[i]);
    int e = 0;
    for (int i = 0; i < 3 && !e; i++) e = posix_spawn_file_actions_adddup2(files, fd[i], i);
    if (!e) e = posix_spawn_file_actions_addchdir_np(files, g->folder);
    if (!e) e = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!e) e = posix_spawnattr_setpgroup(attr, 0);
    if (!e) e = posix_spawnattr_setsigmask(attr, &none);
    if (!e) e = posix_spawnattr_setsigdefault(attr, &all);
    return e;
}

/* fd: its 0, 1, 2. */
static int spawn(gnuplot *g, const int fd[3])
{
    const char *path = getenv("PATH");
    char *path_word = NULL, *environment[] = {NULL, "LC_ALL=C.UTF-8", NULL}, *argv[] = {g->program, "-d", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    if (asprintf(&path_word, "PATH=%s", path ? path : "/usr/bin:/bin") < 0) return ENOMEM;
    environment[0] = path_word;
    int e = posix_spawn_file_actions_init(&files);
    if (!e) {
        e = posix_spawnattr_init(&attr);
        if (!e) {
            e = prepare_spawn(&files, &attr, g, fd);
            if (!e) e = posix_spawnp(&g->pid, g->program, &files, &attr, argv, environment);
            posix_spawnattr_destroy(&attr);
        }
        posix_spawn_file_actions_destroy(&files);
    }
    free(path_word);
    if (e) g->pid = 0;
    return e;
}

static saint_status start(gnuplot *g, saint_error *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, bad[2] = {-1, -1}, e = 0;
    /* A socket instead of a pipe: a child that is gone must not cost us a SIGPIPE. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(bad, O_CLOEXEC) != 0) e = errno;
    if (!e) e = spawn(g, (const int[3]){in[1], out[1], bad[1]});
    close_fd(&in[1]);
    close_fd(&out[1]);
    close_fd(&bad[1]);
    g->in = in[0];
    g->out = out[0];
    g->err = bad[0];
    if (!e &&
        (fcntl(g->in, F_SETFL, O_NONBLOCK) != 0 || fcntl(g->out, F_SETFL, O_NONBLOCK) != 0 || fcntl(g->err, F_SETFL, O_NONBLOCK) != 0))
        e = errno;
    if (!e) { /* before the first word reaches it */
        set_limit(g->pid, RLIMIT_AS, (rlim_t)2 << 30);
        set_limit(g->pid, RLIMIT_CPU, CPU_SECONDS);
        set_limit(g->pid, RLIMIT_FSIZE, (rlim_t)16 << 20);
        set_limit(g->pid, RLIMIT_CORE, 0);
        return SAINT_OK;
    }
    kill_child(g);
    if (e == ENOENT || e == EACCES || e == ENOTDIR)
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s is not installed and figures are drawn by it: install gnuplot-nox (Debian, Ubuntu) or gnuplot, or export the "
                          "numbers with `saint export --format csv`",
                          g->program);
    return saint_fail(err, SAINT_IO, "%s cannot be started: %s", g->program, strerror(e));
}

/* ---- talking -------------------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *to_send;
    size_t left;
    text_buf out;
    char message[MESSAGE_MOST];
    size_t n_message;
    bool over; /* it closed its output */
} exchange;

/* Read what is there. Returns false at the end of the stream. */
static bool drain(int fd, text_buf *out)
{
    char buf[65536];
    ssize_t n = read(fd, buf, sizeof buf);
    if (n > 0) text_bytes(out, buf, (size_t)n);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void drain_messages(int *fd, exchange *x)
{
    char buf[1024];
    ssize_t n = read(*fd, buf, sizeof buf);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(fd);
    for (ssize_t i = 0; i < n && x->n_message + 1 < sizeof x->message; i++) x->message[x->n_message++] = buf[i];
    x->message[x->n_message] = 0;
}

/* One round of poll. Returns false when the time is over. */
static bool step(gnuplot *g, exchange *x, long end)
{
    struct pollfd p[3] = {
        {.fd = x->left ? g->in : -1, .events = POLLOUT}, {.fd = g->out, .events = POLLIN}, {.fd = g->err, .events = POLLIN}};
    long left = end - now_ms();
    if (left <= 0) return false;
    if (poll(p, 3, (int)left) < 0) return errno == EINTR;
    if (p[0].revents) {
        ssize_t n = send(g->in, x->to_send, x->left, MSG_NOSIGNAL);
        if (n > 0) {
            x->to_send += n;
            x->left -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EINTR) x->left = 0; /* it is gone: its output will say so */
    }
    if (p[2].revents) drain_messages(&g->err, x);
    if (p[1].revents && !drain(g->out, &x->out)) x->over = true;
    return true;
}

/* Send a script and read until the mark: everything before it is output, behind it stand GPVAL_ERRNO and its message. */
static saint_status talk(gnuplot *g, const text_buf *script, int limit_ms, const char *mark, exchange *x, char **found, saint_error *err)
{
    long end = now_ms() + limit_ms;
    size_t searched = 0, length = strlen(mark);
    x->to_send = script->p;
    x->left = script->n;
    *found = NULL;
    for (;;) {
        bool in_time = step(g, x, end);
        size_t from = searched > length ? searched - length : 0;
        char *at = x->out.p ? memmem(x->out.p + from, x->out.n - from, mark, length) : NULL;
        searched = x->out.n;
        if (at && memmem(at + length, x->out.n - (size_t)(at - x->out.p) - length, "@@", 2)) {
            *found = at;
            return SAINT_OK;
        }
        const char *words = x->n_message ? x->message : "it said nothing";
        saint_status s = SAINT_OK;
        if (x->out.failed) s = saint_fail(err, SAINT_MEMORY, "gnuplot: no memory for its output beyond %zu bytes", x->out.n);
        else if (x->out.n > OUTPUT_MOST) s = saint_fail(err, SAINT_IO, "gnuplot: more than %d bytes of output", (int)OUTPUT_MOST);
        else if (x->over) s = saint_fail(err, SAINT_IO, "gnuplot ended in the middle of a figure: %.200s", words);
        else if (!in_time) s = saint_fail(err, SAINT_IO, "gnuplot did not answer within %.1f s: %.200s", limit_ms / 1000.0, words);
        if (s == SAINT_OK) continue;
        kill_child(g);
        return s;
    }
}

static saint_status converse(gnuplot *g, const text_buf *script, int limit_ms, char **out, size_t *n, saint_error *err)
{
    char mark[48], *found;
    text_buf all = {0};
    exchange x = {0};
    *out = NULL;
    *n = 0;
    saint_status s = random_word("@@", mark, sizeof mark, err);
    if (s != SAINT_OK) return s;
    text_put(&all, "reset session\nreset errors\n");
    text_bytes(&all, script->p ? script->p : "", script->n);
    /* Leaving the terminal is what finishes a PDF. */
    text_format(&all,
                "\nunset multiplot\nunset output\nset terminal unknown\nset print '-'\nprint sprintf('%s %%d %%.200s@@', GPVAL_ERRNO, "
                "GPVAL_ERRMSG)\nset print\n",
                mark);
    s = text_status(&all, "gnuplot", err);
    if (s == SAINT_OK) s = talk(g, &all, limit_ms, mark, &x, &found, err);
    text_free(&all);
    if (s == SAINT_OK) {
        char *words;
        long number = strtol(found + strlen(mark), &words, 10);
        char *end = strstr(words, "@@");
        if (end) *end = 0;
        if (number) s = saint_fail(err, SAINT_INVALID, "gnuplot %s refuses the figure:%.200s", g->version, words);
    }
    if (s != SAINT_OK) {
        text_free(&x.out);
        return s;
    }
    *n = (size_t)(found - x.out.p);
    *found = 0;
    *out = x.out.p;
    return SAINT_OK;
}

saint_status gnuplot_run(gnuplot *g, const text_buf *script, int limit_ms, char **out, size_t *n, saint_error *err)
{
    *out = NULL;
    *n = 0;
    saint_status s = text_status(script, "a script for gnuplot", err);
    if (s == SAINT_OK && g->pid <= 0) s = start(g, err);
    return s == SAINT_OK ? converse(g, script, limit_ms, out, n, err) : s;
}

/* ---- open and close ------------------------------------------------------------------------------------------------------- */

static saint_status ask(gnuplot *g, saint_error *err)
{
    text_buf script = {0};
    char *answer;
    size_t n;
    text_put(
        &script,
        "set print '-'\nprint sprintf('%.1f patchlevel %s', GPVAL_VERSION, GPVAL_PATCHLEVEL)\nprint ' '.GPVAL_TERMINALS.' '\nset print\n");
    saint_status s = gnuplot_run(g, &script, START_MS, &answer, &n, err);
    text_free(&script);
    if (s != SAINT_OK) return s;
    char *line = strchr(answer, '\n');
    if (line) {
        *line = 0;
        (void)snprintf(g->version, sizeof g->version, "%s", answer);
        g->terminals = strdup(line + 1);
    }
    free(answer);
    if (!line)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected gnuplot 5.0 or newer, found something that does not know its version",
                          g->program);
    return g->terminals ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "gnuplot: no memory");
}

saint_status gnuplot_open(gnuplot **out, const char *program, saint_error *err)
{
    const char *tmp = getenv("TMPDIR");
    gnuplot *g = *out = calloc(1, sizeof *g);
    if (!g) return saint_fail(err, SAINT_MEMORY, "gnuplot: no memory");
    g->in = g->out = g->err = -1;
    g->program = strdup(program ? program : "gnuplot");
    saint_status s = g->program ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "gnuplot: no memory");
    if (s == SAINT_OK && asprintf(&g->folder, "%s/saint-figure-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp") < 0) {
        g->folder = NULL;
        s = saint_fail(err, SAINT_MEMORY, "gnuplot: no memory");
    }
    if (s == SAINT_OK && !mkdtemp(g->folder)) {
        s = saint_fail(err, SAINT_IO, "%s: the folder for gnuplot cannot be made: %s; set TMPDIR to one that can be written", g->folder,
                       strerror(errno));
        g->folder[0] = 0;
    }
    if (s == SAINT_OK) s = start(g, err);
    if (s == SAINT_OK) s = ask(g, err);
    if (s == SAINT_OK) return s;
    gnuplot_close(g);
    *out = NULL;
    return s;
}

/* It ends when its input does; who does not is killed. */
static void say_goodbye(gnuplot *g)
{
    long end = now_ms() + CLOSE_MS;
    exchange x = {0};
    if (g->pid <= 0) return;
    close_fd(&g->in);
    while (!x.over && x.out.n < OUTPUT_MOST && step(g, &x, end)) continue;
    text_free(&x.out);
}

void gnuplot_close(gnuplot *g)
{
    if (!g) return;
    say_goodbye(g);
    kill_child(g);
    if (g->folder && g->folder[0]) (void)rmdir(g->folder);
    free(g->terminals);
    free(g->folder);
    free(g->program);
    free(g);
}

const char *gnuplot_version(const gnuplot *g) { return g->version; }

bool gnuplot_has_terminal(const gnuplot *g, const char *name)
{
    char word[64];
    (void)snprintf(word, sizeof word, " %s ", name);
    return strstr(g->terminals, word) != NULL;
}
