/* status.h - how every fallible function of the engine reports.
 *
 * A function that can fail returns saint_status and takes a last `saint_error *err`, which may be NULL.
 * On failure err holds one line for the user: file, what was expected, what was found, how to mend.
 * The engine never prints, exits or installs signal handlers. */
#ifndef SAINT_BASE_STATUS_H
#define SAINT_BASE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define SAINT_STATUS_MAP(X)                                                 \
    X(OK, "ok")                                                             \
    X(CANCELLED, "cancelled by the caller")                                 \
    X(INVALID, "an argument, a parameter or a plan is not valid")           \
    X(IO, "a file could not be opened, mapped, read or written")            \
    X(FORMAT, "a file is malformed")                                        \
    X(UNSUPPORTED, "well-formed, but this engine does not implement it")    \
    X(MEMORY, "host or device memory is exhausted")                         \
    X(DEVICE, "the accelerator reported a failure")                         \
    X(STATE, "the call is not allowed in the present state")

typedef enum {
#define X(name, text) SAINT_##name,
    SAINT_STATUS_MAP(X)
#undef X
        SAINT_STATUS_COUNT
} saint_status;

enum { SAINT_ERROR_TEXT = 512 };

/* Filled on failure when not NULL; never needed for control flow. */
typedef struct {
    saint_status code;
    char text[SAINT_ERROR_TEXT]; /* one line, no trailing newline, always terminated */
} saint_error;

/* The sentence of the map above. Never NULL. */
const char *saint_status_text(saint_status s);

/* Fill err (when not NULL) and return code, so that `return saint_fail(err, SAINT_FORMAT, ...)` reads well.
 * Control characters in the text are replaced by '?', because names from hostile files end up here. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
saint_status saint_fail(saint_error *err, saint_status code, const char *fmt, ...);

#ifdef __cplusplus
}
#endif
#endif
