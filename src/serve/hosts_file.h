/*
 * A hosts file that is kept current: looked at from time to time and read again when its time, size or place
 * on disk changed. Where it cannot be read the last content stays. Its metrics are CoreDNS's. Control thread,
 * but for hosts_file_table().
 */
#ifndef SEAMARK_SERVE_HOSTS_FILE_H
#define SEAMARK_SERVE_HOSTS_FILE_H

#include <event2/event.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "metrics/metrics.h"
#include "serve/hosts_table.h"

struct hosts_file {
    const char *path;                /* borrowed */
    const struct hosts_scope *scope; /* borrowed */
    size_t other_entries;            /* of the configuration: counted in with the file's */
    struct hosts_table *table;       /* RCU; NULL until the file could be read */
    struct timespec mtime;
    off_t size;
    ino_t inode;
    struct event *timer;
    struct metric_gauge *entries;
};

/* Reads the file and looks at it again every `reload_ms` (0: never). path, scope and other_entries are set.
 * -ENOMEM. */
int hosts_file_start(struct hosts_file *f, struct event_base *base, int64_t reload_ms, struct errtext *e);
void hosts_file_stop(struct hosts_file *f); /* the table stays */
void hosts_file_free(struct hosts_file *f); /* after the last reader */

/* The present content, NULL where there is none: valid until the RCU read section ends. Any registered
 * reader. */
const struct hosts_table *hosts_file_table(const struct hosts_file *f);

#endif
