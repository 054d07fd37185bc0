/*
 * The threads that load a zone file. The file is cut into pieces (zonefile_piece.h), which are read one after
 * the other and made into nodes side by side; the thread that loads takes them in the file's order, and works
 * on pieces itself while the next one is not ready. How much is read ahead is bounded, whatever the file's
 * size.
 */
#ifndef SEAMARK_ZONE_ZONEFILE_TEAM_H
#define SEAMARK_ZONE_ZONEFILE_TEAM_H

#include <pthread.h>

#include "zone/zonefile_piece.h"

#define TEAM_HELPERS_MAX 3 /* one thread puts nodes into the zone about as fast as three make them */
#define TEAM_PIECES      (TEAM_HELPERS_MAX + 2)

struct team {
    int fd;
    const struct zone *zone;
    uint32_t edit;
    unsigned nhelpers;
    pthread_t helpers[TEAM_HELPERS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t moved;
    /* under the lock: */
    struct piece pieces[TEAM_PIECES]; /* number n is in n % TEAM_PIECES */
    bool ready[TEAM_PIECES];
    uint64_t next;  /* number of the piece to be read next */
    uint64_t given; /* numbers below this have been handed out and come back */
    off_t offset;   /* of the next piece in the file */
    bool end;       /* there is nothing more to read, or reading failed: */
    int error;
    size_t rest; /* octets behind the last newline of the file */
};

/* Begins with the lines at `offset`; `size` octets of them are expected. `t` is zeroed. */
void team_begin(struct team *t, int fd, off_t offset, off_t size, const struct zone *z, uint32_t edit);
/* The next piece, to be given back; NULL behind the last, then t->error and t->rest say what came there. */
struct piece *team_next(struct team *t);
void team_give_back(struct team *t, struct piece *p);
/* Ends the helpers and frees all. */
void team_end(struct team *t);

#endif
