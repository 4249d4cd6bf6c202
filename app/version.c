#include "version.h"

const char saint_version[] = SAINT_VERSION;
const char saint_commit[] = SAINT_COMMIT;
