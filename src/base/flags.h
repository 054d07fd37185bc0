/*
 * Command line flags as Go's flag package reads them, since scripts and manifests give them so: one dash or
 * two, `-name value` or
 * `-name=value`, a flag without value for yes/no ones (`-name=false` too), `--` ends them.
 */
#ifndef SEAMARK_BASE_FLAGS_H
#define SEAMARK_BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum flag_type { FLAG_TEXT, FLAG_NUMBER, FLAG_SWITCH };

struct flag {
    const char *name;
    enum flag_type type;
    void *value;  /* const char **, uint32_t *, bool * */
    uint32_t max; /* FLAG_NUMBER: the largest allowed */
    const char *help;
};

/* Reads argv[1...]. `*rest` is the index of the first word that is no flag. Values point into argv.
 * ERR_CONFIG with `e` set. */
int flags_parse(const struct flag *flags, size_t count, int argc, char **argv, int *rest, struct errtext *e);

/* Prints the flags with their help on standard output. */
void flags_help(const struct flag *flags, size_t count);

#endif
