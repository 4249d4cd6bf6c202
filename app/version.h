/* version.h - which program this is. */
#ifndef SAINT_APP_VERSION_H
#define SAINT_APP_VERSION_H

extern const char saint_version[]; /* "0.1.0" */
extern const char saint_commit[];  /* twelve digits of the commit it was built from, or "unknown" */

#endif
