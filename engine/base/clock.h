/* clock.h - monotonic time in seconds (CLOCK_MONOTONIC_RAW where there is one). */
#ifndef SAINT_BASE_CLOCK_H
#define SAINT_BASE_CLOCK_H
double saint_now(void);
#endif
