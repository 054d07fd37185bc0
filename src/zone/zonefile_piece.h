/*
 * A piece of a zone file: some whole lines of it, made into nodes of a zone by whichever thread has time,
 * while other pieces are read and what is before it is put into the zone.
 */
#ifndef SEAMARK_ZONE_ZONEFILE_PIECE_H
#define SEAMARK_ZONE_ZONEFILE_PIECE_H

#include <stdbool.h>

#include "zone/journal.h"
#include "zone/node_p.h"

/* Octets of a piece: room for the longest line with its newline. */
#define PIECE_SIZE ((size_t)JOURNAL_LINE_MAX + 1)

struct piece_node {
    struct node *node; /* the records of one owner that stand together */
    uint64_t hash;
    uint64_t line; /* where they begin, counted from the piece's start */
};

struct piece {
    char *text;
    size_t len; /* of the whole lines in it */
    /* what is in it: */
    struct piece_node *nodes;
    size_t count, cap;
    uint64_t lines; /* read, with the one that failed and with the trailer */
    uint64_t records;
    uint32_t crc; /* of the first `summed` octets: all, or those before the trailer */
    size_t summed;
    const char *trailer; /* the file's trailer is in it; NULL */
    size_t trailer_len;
    int error; /* of the last line read */
    const char *why;
    struct node_edit owner;
    struct rr_storage storage;
    struct rr_head head;
};

/* Fills `p` from `fd` at `offset` with as many whole lines as fit. Returns ERR_OK; *end is set at the end of
 * the file, *rest then says how many octets without a newline are left; ERR_LIMIT: a line is longer than
 * lines may be; -ENOMEM, -errno. `p` is zeroed at first, and may be used again. */
int piece_read(struct piece *p, int fd, off_t offset, bool *end, size_t *rest);

/* Makes nodes of the lines; `edit` is the transaction's number. */
void piece_parse(struct piece *p, const struct zone *z, uint32_t edit);

/* Drops nodes that nobody took, so that the piece can be used again; or everything. */
void piece_reset(struct piece *p);
void piece_free(struct piece *p);

#endif
