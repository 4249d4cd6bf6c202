/* machine.h - the machine and this process as records tell of them. */
#ifndef SAINT_APP_SWEEP_MACHINE_H
#define SAINT_APP_SWEEP_MACHINE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host's name, letters, digits, '.' and '_' only, so that it can be part of a file's name. */
void sweep_machine_host(char *out, size_t size);
/* What the CPU calls itself, "unknown" where it does not say. */
void sweep_machine_cpu(char *out, size_t size);
/* The version of NVIDIA's kernel driver, "" where there is none. */
void sweep_machine_driver(char *out, size_t size);
/* Add host, os, cpu, cores and ram_bytes. */
void sweep_machine_json(cJSON *o);

/* What tells processes apart: machine (boot and process namespace), number, time of its start. As text: "PID START SPACE". */
typedef struct {
    long pid;
    uint64_t start;
    char space[80];
} sweep_process;
void sweep_process_self(sweep_process *out);
/* 1 it runs, 0 it is gone, -1 it belongs to another machine or container: not to be told from here. */
int sweep_process_alive(const sweep_process *p);
bool sweep_process_parse(const char *text, sweep_process *out);
void sweep_process_text(const sweep_process *p, char *out, size_t size);

#endif
