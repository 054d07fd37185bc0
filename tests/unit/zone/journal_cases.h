/* A zone and a journal upon it, in a folder of their own. */
#ifndef SEAMARK_TESTS_JOURNAL_CASES_H
#define SEAMARK_TESTS_JOURNAL_CASES_H

#include "fixture.h"
#include "zone/journal.h"

/* The changes of one transaction, each with its `+ ` or `- `, up to a NULL. */
typedef const char *const *changes;

static const char *const first_change[] = {"+ web.default.svc.cluster.local. 30 IN A 10.96.1.1",
                                           "+ default.svc.cluster.local. 30 IN TYPE65280 \\# 0", NULL};
static const char *const second_change[] = {"- web.default.svc.cluster.local. 30 IN A 10.96.1.1",
                                            "+ web.default.svc.cluster.local. 30 IN A 10.96.1.2", NULL};
static const char *const third_change[] = {
    "+ txt.default.svc.cluster.local. 30 IN TXT \"= + - ; \\\"quoted\\\"\"", NULL};

static inline void pend(struct journal_writer *w, changes lines)
{
    for (; *lines != NULL; lines++)
        CU_ASSERT_EQUAL((*lines[0] == '+' ? journal_add : journal_remove)(w, record_of(*lines + 2)), ERR_OK);
}

static inline void commit(struct journal_writer *w, uint32_t serial, changes lines)
{
    CU_ASSERT_EQUAL(journal_cause(w, "Service default/web changed 2026-11-23T06:20:24Z"), ERR_OK);
    pend(w, lines);
    CU_ASSERT_EQUAL(journal_commit(w, serial, true), ERR_OK);
}

/* A journal upon serial 100 with the three changes, to serials 101, 103 and 104. */
static inline void write_journal(const char *path)
{
    struct journal_writer w;
    CU_ASSERT_EQUAL_FATAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    commit(&w, 101, first_change);
    commit(&w, 103, second_change);
    commit(&w, 104, third_change);
    CU_ASSERT_EQUAL(w.transactions, 3);
    journal_close(&w);
}

/* Follows the journal at `path` upon `z` once: what journal_follow or journal_apply returned. */
static inline int apply_once(const char *path, struct zone *z, struct errtext *e)
{
    struct journal_reader *r;
    *e = (struct errtext){0};
    int ret = journal_follow(path, zone_apex(z), &r, e);
    if (ret != ERR_OK)
        return ret;
    ret = journal_apply(r, z, e);
    journal_unfollow(r);
    return ret;
}

/* The zone at serial 100 with the first `count` of the three changes made by hand. */
static inline struct zone *zone_after(unsigned count)
{
    static const uint32_t serials[] = {101, 103, 104};
    static changes all[] = {first_change, second_change, third_change};
    struct zone *z = zone_of(NULL);
    for (unsigned i = 0; i < count; i++) {
        struct zone_txn *t = zone_begin(z);
        for (changes c = all[i]; *c != NULL; c++)
            CU_ASSERT_EQUAL((*c[0] == '+' ? zone_add : zone_remove)(t, record_of(*c + 2)), ERR_OK);
        CU_ASSERT_EQUAL(zone_set_serial(t, serials[i]), ERR_OK);
        CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    }
    return z;
}

static inline bool same_as_after(const struct zone *z, unsigned count)
{
    struct zone *expected = zone_after(count);
    char *a = dump_of(z), *b = dump_of(expected);
    bool same = strcmp(a, b) == 0;
    free(a);
    free(b);
    zone_free(expected);
    return same;
}

#endif
