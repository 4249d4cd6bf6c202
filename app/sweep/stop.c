#define _GNU_SOURCE
#include "sweep/stop.h"

#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli.h"

/* A handler can reach nothing but what is static. */
static int asked;
static const pid_t *volatile jobs;
static volatile int n_jobs;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
enum { SIGNALS = sizeof signals / sizeof *signals };

static void on_signal(int sig)
{
    (void)sig;
    const pid_t *to = jobs;
    for (int i = 0; to && i < n_jobs; i++)
        if (to[i] > 0) kill(to[i], SIGUSR2);
    /* with jobs the second one is theirs too: they leave, and this process has seen them leave */
    if (__atomic_exchange_n(&asked, 1, __ATOMIC_RELAXED) && !to) _exit(EXIT_INTERRUPTED);
}

static void catch (int sig, void (*handler)(int))
{
    struct sigaction a = {.sa_handler = handler};
    sigemptyset(&a.sa_mask);
    for (int i = 0; i < SIGNALS; i++) sigaddset(&a.sa_mask, signals[i]);
    sigaction(sig, &a, NULL);
}

const int *sweep_stop_catch(void)
{
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction was;
        /* nohup means it */
        if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler == SIG_IGN) continue;
        catch (signals[i], on_signal);
    }
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of write(2) like a full disk */
    return &asked;
}

const int *sweep_stop_catch_in_job(void)
{
    jobs = NULL;
    for (int i = 0; i < SIGNALS; i++) signal(signals[i], SIG_IGN);
    catch (SIGUSR2, on_signal);
    prctl(PR_SET_PDEATHSIG, SIGUSR2); /* and when the parent is gone */
    return &asked;
}

void sweep_stop_tell(const pid_t *pid, int n)
{
    jobs = NULL;
    n_jobs = n;
    jobs = pid;
}
