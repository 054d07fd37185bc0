/*
 * The command line of seamark-sync, read as Go's flag package reads one (and so as CoreDNS's is): one dash or
 * two,
 * `-name value` or `-name=value`, a switch alone or with `=true`/`=false`; the first word that is no flag, or
 * `--`, ends the flags. Main thread.
 */
#ifndef SEAMARK_SYNC_SYNC_OPTIONS_H
#define SEAMARK_SYNC_SYNC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/err.h"

struct sync_options {
    const char *conf;  /* NULL: not given */
    const char *from;  /* file or folder of objects in place of a Corefile */
    const char *zones; /* DIR; NULL: the default */
    bool once;
    bool version;
    bool help;
    long parent_pid; /* the process to end with; 0: none */
    char **names;    /* zones for -from; points into argv */
    size_t nnames;
};

#define SYNC_ZONES_DEFAULT  "/var/lib/seamark/zones"
#define SYNC_ZONES_FALLBACK "/dev/shm/seamark" /* where the default cannot be written */

/* ERR_CONFIG with `e` set where a flag is unknown, lacks its value, or does not go with another. */
int sync_options_parse(int argc, char **argv, struct sync_options *out, struct errtext *e);

/* What -help prints. */
extern const char sync_options_usage[];

/* The Corefile that `-from PATH ZONE...` stands for; its `objects` is a word for PATH, which could mean
 * something else in a Corefile: the caller puts it in its place. Appends to `out`. */
int sync_options_corefile(const struct sync_options *o, struct bytes *out);

/* Makes DIR and finds out whether it can be written: the one asked for, else the default, else the fallback.
 * `out` has room for 4096 octets. ERR_CONFIG with `e` set. */
int sync_options_folder(const struct sync_options *o, char *out, struct errtext *e);

#endif
