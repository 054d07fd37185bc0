/* The command line of seamark-sync (base/flags.h says how flags are written). Main thread. */
#ifndef SEAMARK_SYNC_SYNC_OPTIONS_H
#define SEAMARK_SYNC_SYNC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct sync_options {
    const char *conf;  /* NULL: not given */
    const char *from;  /* file or folder of objects in place of a Corefile */
    const char *zones; /* DIR; NULL: the default */
    bool once;
    bool version;
    bool help;
    uint32_t parent_pid; /* the process to end with; 0: none */
    char **names;        /* zones for -from; points into argv */
    size_t nnames;
};

/* ERR_CONFIG with `e` set where a flag is unknown, lacks its value, or does not go with another. */
int sync_options_parse(int argc, char **argv, struct sync_options *out, struct errtext *e);

/* Prints what -help prints. */
void sync_options_help(void);

/* The Corefile that `-from PATH ZONE...` stands for; its `objects` is a word for PATH, which could mean
 * something else in a Corefile: the caller puts it in its place. Appends to `out`. */
int sync_options_corefile(const struct sync_options *o, struct bytes *out);

#endif
