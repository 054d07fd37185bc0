/* What zone_watch.c (the folder) and watched_zone.c (a zone in it) share. Nobody else includes this. */
#ifndef SEAMARK_SERVE_ZONE_WATCH_P_H
#define SEAMARK_SERVE_ZONE_WATCH_P_H

#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#include "serve/zone_watch.h"
#include "zone/journal.h"
#include "zone/zonefile.h"

#define PATH_SIZE 4096

/* What tells one version of a file from another. */
struct file_id {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct watched_zone {
    uint8_t apex[NAME_MAX_LEN];
    const char *view;
    char text[ZONEFILE_TITLE_MAX]; /* for the log: apex, and view where it has one */
    char *identity;
    char path[PATH_SIZE];
    char journal_path[PATH_SIZE];
    struct zone *zone;     /* published */
    struct file_id loaded; /* the zone file that `zone` stems from, or that was refused last */
    bool unread; /* for want of memory or descriptors, not for what it says: tried again at the next look */
    struct journal_reader *journal;
    struct file_id journal_id; /* device and inode alone */
    bool journal_damaged;      /* said so; nothing more is read of it */
    uint64_t changed_ms;       /* wall clock: when `zone` was loaded or changed last */
    double warned_age;
    uint32_t told_serial; /* the listener was told of it; 0: of none */
    unsigned references;
    bool written; /* its journal, a notice says */
    TAILQ_ENTRY(watched_zone) link;
};

/* Takes up whatever has become of its files. */
void watched_zone_look(struct watched_zone *w);
/* Takes up what the journal that is open has got since. */
void watched_zone_apply(struct watched_zone *w);
void watched_zone_free(struct watched_zone *w);

#endif
