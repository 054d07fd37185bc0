/* Start, reload, drain and stop of the serving process: the one place that knows the order. Control thread
 * (the main thread). */
#ifndef SEAMARK_SERVE_SERVER_H
#define SEAMARK_SERVE_SERVER_H

#include <stdbool.h>

#include "serve/config.h"

struct server_options {
    const char
        *conf; /* path of the Corefile; NULL: whoami and log on all names, as CoreDNS without a Corefile */
    struct config_options config;
    unsigned workers;   /* 0: as many as CPUs */
    bool external_sync; /* -sync=external */
    bool quiet;
};

/* Serves until a signal ends it. Returns the exit status. */
int server_run(const struct server_options *o);

/* -check: the configuration and the zone files that it names. Prints what is wrong where on standard error. 0
 * or 1. */
int server_check(const struct server_options *o);

/* Loads and compiles the Corefile (also for -check). */
int server_load(const struct server_options *o, struct config **out, struct errtext *e);

#endif
