/* version.h - which program this is. */
#ifndef SAINT_APP_VERSION_H
#define SAINT_APP_VERSION_H

extern const char saint_version[]; /* "0.1.0" */
extern const char saint_commit[];  /* twelve digits of the commit it was built from, or "unknown" */
extern const int saint_dirty;         /* 1: what was built differs from that commit, 0: it does not, -1: not known */
extern const char saint_build_flags[]; /* compiler and its options that can change results or times: "GNU 12.2.0 x86_64 -O3 ..." */

#endif
