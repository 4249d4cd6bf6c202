/* That the watch over the emulated kernels' memory is awake: work without its barrier ends the program, the same work with it does not. */
#include "support/test.h"

#include <cuda_runtime_api.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

cudaError_t watch_launch(int which, bool ordered, float *x, cudaStream_t stream);

/* In a process of its own: its wait status, and what it said. */
static int launch_apart(int which, bool ordered, char *said, size_t size)
{
    int ends[2], status = -1;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        void *x = NULL;
        cudaStream_t stream;
        signal(SIGABRT, SIG_DFL);
        if (dup2(ends[1], 2) < 0 || cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) _exit(2);
        if (cudaMallocAsync(&x, 1024 * sizeof(float), stream) != cudaSuccess || watch_launch(which, ordered, x, stream) != cudaSuccess) _exit(3);
        _exit(cudaStreamSynchronize(stream) == cudaSuccess ? 0 : 4);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; used + 1 < size && (n = read(ends[0], said + used, size - 1 - used)) > 0;) used += (size_t)n;
    said[used] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void what_nothing_orders_ends_the_program(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        char said[1024];
        int status = launch_apart(which, true, said, sizeof said);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("kernel %d is in order, and ended with %#x: %s", which, (unsigned)status, said);
        status = launch_apart(which, false, said, sizeof said);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) fail_msg("kernel %d races, and ended with %#x: %s", which, (unsigned)status, said);
        assert_non_null(strstr(said, "a race in an emulated kernel"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_nothing_orders_ends_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
