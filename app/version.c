#include "version.h"

#include "version_build.h" /* written by scripts/version.cmake */

const char saint_version[] = SAINT_VERSION;
const char saint_commit[] = SAINT_COMMIT;
const int saint_dirty = SAINT_DIRTY;
const char saint_build_flags[] = SAINT_BUILD_FLAGS;
