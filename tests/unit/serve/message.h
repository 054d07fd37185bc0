/* Questions and answers in wire form, from text, for tests. */
#ifndef SEAMARK_TESTS_MESSAGE_H
#define SEAMARK_TESTS_MESSAGE_H

#include <stdlib.h>
#include <string.h>

#include "dns/reply.h"
#include "dns/rr.h"

static inline struct query make_query(const char *name, uint16_t qtype)
{
    uint8_t wire[NAME_MAX_LEN];
    struct query q;
    if (name_from_text(name, strlen(name), wire) < 0)
        abort();
    query_make(&q, wire, qtype);
    return q;
}

/* Adds a record from a line of a zone file. */
static inline void add_record(struct reply *r, enum reply_section section, const char *line)
{
    static struct rr_storage storage;
    struct rr rr;
    if (rr_from_text(line, strlen(line), &storage, &rr) != 0 || reply_add(r, section, &rr) != 0)
        abort();
}

/* A new reply to q with these answers (lines, then NULL). The caller frees it. */
static inline struct reply *make_reply(const struct query *q, const char *const *lines)
{
    struct reply *r = malloc(sizeof *r);
    if (r == NULL)
        abort();
    reply_begin(r, q);
    for (; lines != NULL && *lines != NULL; lines++)
        add_record(r, SECTION_ANSWER, *lines);
    return r;
}

#endif
