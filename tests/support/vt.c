#define _GNU_SOURCE
#include "support/vt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "views/text.h"

static int on_property(VTermProp prop, VTermValue *value, void *user)
{
    vt *t = user;
    if (prop == VTERM_PROP_ALTSCREEN) t->alternate = value->boolean;
    if (prop == VTERM_PROP_CURSORVISIBLE) t->cursor_shown = value->boolean;
    if (prop == VTERM_PROP_MOUSE) t->mouse = value->number;
    return 1;
}

bool vt_open(vt *t, int w, int h, char *const argv[], char *const env[])
{
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    struct winsize size = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
    *t = (vt){.master = -1, .slave = -1, .pid_fd = -1, .pid = -1, .w = w, .h = h, .cursor_shown = true};
    if (openpty(&t->master, &t->slave, NULL, NULL, &size) != 0) return false;
    fcntl(t->master, F_SETFD, FD_CLOEXEC);
    fcntl(t->master, F_SETFL, fcntl(t->master, F_GETFL) | O_NONBLOCK);
    tcgetattr(t->slave, &t->before);
    t->vt = vterm_new(h, w);
    vterm_set_utf8(t->vt, 1);
    t->screen = vterm_obtain_screen(t->vt);
    vterm_screen_enable_altscreen(t->screen, 1);
    vterm_screen_set_callbacks(t->screen, &callbacks, t);
    vterm_screen_reset(t->screen, 1);
    t->pid = fork();
    if (t->pid == 0) {
        setsid();
        ioctl(t->slave, TIOCSCTTY, 0);
        dup2(t->slave, 0);
        dup2(t->slave, 1);
        dup2(t->slave, 2);
        if (t->slave > 2) close(t->slave);
        execve(argv[0], argv, env);
        _exit(127);
    }
    if (t->pid > 0) t->pid_fd = (int)syscall(SYS_pidfd_open, t->pid, 0);
    return t->pid > 0 && t->pid_fd >= 0;
}

void vt_close(vt *t)
{
    if (t->pid > 0) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, 0);
    }
    if (t->pid_fd >= 0) close(t->pid_fd);
    if (t->master >= 0) close(t->master);
    if (t->slave >= 0) close(t->slave);
    if (t->vt) vterm_free(t->vt);
    free(t->raw);
    *t = (vt){.master = -1, .slave = -1, .pid_fd = -1, .pid = -1};
}

static void keep(vt *t, const char *bytes, size_t n)
{
    if (t->n_raw + n + 1 > t->room_raw) {
        t->room_raw = 2 * (t->n_raw + n) + 4096;
        t->raw = realloc(t->raw, t->room_raw);
        if (!t->raw) abort();
    }
    memcpy(t->raw + t->n_raw, bytes, n);
    t->n_raw += n;
    t->raw[t->n_raw] = 0;
    vterm_input_write(t->vt, bytes, n);
}

/* Marks are taken out byte by byte: a read may end anywhere. */
static void feed(vt *t, const char *bytes, size_t n)
{
    static const char start[] = "\033]777;saint-idle;";
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (t->n_mark == 0 && c != '\033') continue;
        if (t->n_mark == 0) {
            keep(t, bytes + from, i - from);
            from = i;
        }
        t->mark[t->n_mark++] = c;
        from = i + 1;
        bool inside = t->n_mark <= sizeof start - 1 ? c == start[t->n_mark - 1] : c != '\033' && t->n_mark < sizeof t->mark - 1;
        if (inside && c == '\a') {
            t->mark[t->n_mark] = 0;
            t->n_mark = 0;
            if (!strcmp(t->mark + sizeof start - 1, "end\a")) {
                t->all_read = true;
                continue;
            }
            t->last_mark = (unsigned)strtoul(t->mark + sizeof start - 1, NULL, 10);
            t->marks++;
        } else if (!inside) { /* an ordinary sequence; its last byte may begin another one */
            size_t held = t->n_mark;
            t->n_mark = 0;
            if (c == '\033') held--;
            keep(t, t->mark, held);
            if (c == '\033') t->mark[t->n_mark++] = c;
        }
    }
    if (from < n) keep(t, bytes + from, n - from);
}

/* 1: something was read; 0: nothing is there, or there never will be; -1: an error other than that. */
static int take(vt *t)
{
    char bytes[8192];
    ssize_t got = read(t->master, bytes, sizeof bytes);
    if (got > 0) feed(t, bytes, (size_t)got);
    return got > 0 ? 1 : got == 0 || errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* The end of a process and its last output reach poll() by two ways, and either may come first: a kernel hands a terminal's bytes on in
 * its own time. So behind the end of the process the test writes a last mark into the same terminal, and all that stands before it has
 * been read when it arrives. */
static bool send_last_mark(vt *t)
{
    static const char last[] = "\033]777;saint-idle;end\a";
    if (!t->end_seen) fcntl(t->slave, F_SETFL, fcntl(t->slave, F_GETFL) | O_NONBLOCK); /* the program, which shared this, is gone */
    t->end_seen = true;
    while (t->n_last < sizeof last - 1) {
        ssize_t sent = write(t->slave, last + t->n_last, sizeof last - 1 - t->n_last);
        if (sent <= 0) return sent < 0 && (errno == EAGAIN || errno == EINTR); /* full: read first */
        t->n_last += (size_t)sent;
    }
    return true;
}

/* 1: something was read, or more may come; 0: the program has ended and all it wrote is read; -1: silence. */
static int pump(vt *t)
{
    struct pollfd fds[2] = {{.fd = t->master, .events = POLLIN}, {.fd = t->end_seen ? -1 : t->pid_fd, .events = POLLIN}};
    if (t->all_read) return 0;
    int n = poll(fds, 2, VT_PATIENCE_MS);
    if (n < 0 && errno == EINTR) return 1;
    if (n <= 0) return -1;
    if (fds[0].revents && take(t) < 0) return 0; /* nobody holds the terminal any more */
    if ((fds[1].revents || t->end_seen) && !send_last_mark(t)) return 0;
    return 1;
}

bool vt_wait_marks(vt *t, unsigned n)
{
    unsigned seen = t->marks;
    while (t->marks - seen < n)
        if (pump(t) <= 0) return false;
    return true;
}

bool vt_wait_mark(vt *t) { return vt_wait_marks(t, 1); }

/* A program that is stuck with its own output takes no input: what it says is read meanwhile. */
void vt_send(vt *t, const char *bytes)
{
    for (size_t n = strlen(bytes); n > 0;) {
        ssize_t sent = write(t->master, bytes, n);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd fds[2] = {{.fd = t->master, .events = POLLIN | POLLOUT}, {.fd = t->pid_fd, .events = POLLIN}};
            if (poll(fds, 2, VT_PATIENCE_MS) <= 0) return;
            if (fds[0].revents & POLLIN && pump(t) <= 0) return;
            if (!(fds[0].revents & (POLLIN | POLLOUT))) return;
            continue;
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return;
        bytes += sent;
        n -= (size_t)sent;
    }
}

bool vt_type(vt *t, const char *bytes)
{
    vt_send(t, bytes);
    return vt_wait_mark(t);
}

void vt_resize(vt *t, int w, int h)
{
    struct winsize size = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
    vterm_set_size(t->vt, h, w);
    t->w = w;
    t->h = h;
    ioctl(t->master, TIOCSWINSZ, &size);
}

int vt_wait_exit(vt *t)
{
    int status = -1, more;
    while ((more = pump(t)) > 0)
        ;
    if (more < 0) return -1;
    if (waitpid(t->pid, &status, 0) != t->pid) return -1;
    t->pid = -1;
    return status;
}

static saint_ui_color color_of(VTermColor c, bool is_default)
{
    if (is_default) return SAINT_UI_COLOR_DEFAULT;
    return VTERM_COLOR_IS_INDEXED(&c) ? saint_ui_palette(c.indexed.idx) : saint_ui_rgb(c.rgb.red, c.rgb.green, c.rgb.blue);
}

saint_ui_cell vt_cell(const vt *t, int x, int y)
{
    VTermScreenCell c;
    saint_ui_cell out = {.ch = ' ', .width = 1};
    if (!vterm_screen_get_cell(t->screen, (VTermPos){y, x}, &c)) return out;
    out.ch = c.chars[0] ? c.chars[0] : ' ';
    if (out.ch == UINT32_MAX) out.ch = 0; /* behind a wide character */
    out.mark = c.chars[0] ? c.chars[1] : 0;
    out.width = out.ch ? (uint8_t)c.width : 0;
    out.fg = color_of(c.fg, VTERM_COLOR_IS_DEFAULT_FG(&c.fg));
    out.bg = color_of(c.bg, VTERM_COLOR_IS_DEFAULT_BG(&c.bg));
    out.attr = (uint16_t)((c.attrs.bold ? SAINT_UI_BOLD : 0) | (c.attrs.underline ? SAINT_UI_UNDERLINE : 0) |
                          (c.attrs.reverse ? SAINT_UI_REVERSE : 0));
    return out;
}

void vt_row(const vt *t, int y, char *out, size_t size)
{
    size_t n = 0, end = 0;
    for (int x = 0; x < t->w && n + 5 < size; x++) {
        saint_ui_cell c = vt_cell(t, x, y);
        if (!c.width) continue;
        n += (size_t)saint_ui_utf8_put(c.ch, out + n);
        if (c.ch != ' ') end = n;
    }
    out[end] = 0;
}

bool vt_modes_restored(const vt *t)
{
    struct termios now;
    if (tcgetattr(t->slave, &now) != 0) return false;
    return now.c_iflag == t->before.c_iflag && now.c_oflag == t->before.c_oflag && now.c_lflag == t->before.c_lflag &&
           now.c_cflag == t->before.c_cflag && !memcmp(now.c_cc, t->before.c_cc, sizeof now.c_cc);
}

bool vt_shows(const vt *t, const char *text)
{
    char row[4096];
    for (int y = 0; y < t->h; y++) {
        vt_row(t, y, row, sizeof row);
        if (strstr(row, text)) return true;
    }
    return false;
}

bool vt_until(vt *t, const char *text)
{
    while (!vt_shows(t, text))
        if (pump(t) <= 0) return vt_shows(t, text);
    return true;
}

int vt_later(const vt *t, const char *a, const char *b)
{
    const char *last[2] = {NULL, NULL}, *what[2] = {a, b};
    for (int i = 0; i < 2; i++)
        for (const char *p = t->raw; p && (p = memmem(p, (size_t)(t->raw + t->n_raw - p), what[i], strlen(what[i]))); p++) last[i] = p;
    return !last[0] && !last[1] ? 0 : last[0] > last[1] ? 1 : 2;
}
