/* Ways from one serial to another, over one journal and the next. */
#include "zone/journal_history.h"

#include "journal_cases.h"

static char *folder;
static char path[4096];

/* What a way visits, as text: "+ RECORD", "= BEFORE AFTER". */
static struct bytes way;
static char serials[8192]; /* "100 101 103" */

static int note_change(char op, const struct rr *rr, void *ctx)
{
    (void)ctx;
    bytes_printf(&way, "%c ", op);
    return rr_to_text(rr, &way) == ERR_OK ? bytes_append_str(&way, "\n") : ERR_MALFORMED;
}

static int note_commit(uint32_t before, uint32_t after, void *ctx)
{
    (void)ctx;
    size_t len = strlen(serials);
    if (len == 0)
        len = (size_t)snprintf(serials, sizeof serials, "%u", before);
    snprintf(serials + len, sizeof serials - len, " %u", after);
    return bytes_printf(&way, "= %u %u\n", before, after);
}

static int replay(const struct journal_history *h, uint32_t from, uint32_t to, uint64_t max)
{
    const struct journal_visitor visitor = {.change = note_change, .commit = note_commit};
    bytes_reset(&way);
    serials[0] = '\0';
    return journal_history_replay(h, from, to, max, &visitor);
}

/* The serials on the way, or the error. */
static const char *way_between(const struct journal_history *h, uint32_t from, uint32_t to)
{
    int ret = replay(h, from, to, UINT64_MAX);
    return ret == ERR_OK ? serials : err_text(ret);
}

static struct journal_history *begin(void)
{
    folder = make_folder();
    snprintf(path, sizeof path, "%s/cluster.local.journal", folder);
    bytes_init(&way, 16 << 20);
    struct journal_history *h = journal_history_new(path, name_of("Cluster.Local."));
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    return h;
}

static void end(struct journal_history *h)
{
    journal_history_free(h);
    bytes_free(&way);
    remove_folder(folder);
}

static void transactions_are_visited_in_order_as_they_were_written(void)
{
    struct journal_history *h = begin();
    journal_history_look(h); /* there is none yet */
    CU_ASSERT_EQUAL(replay(h, 100, 101, UINT64_MAX), ERR_NOT_FOUND);
    write_journal(path);
    CU_ASSERT_EQUAL(replay(h, 100, 101, UINT64_MAX), ERR_NOT_FOUND);
    journal_history_look(h);
    CU_ASSERT_EQUAL(replay(h, 101, 104, UINT64_MAX), ERR_OK);
    CU_ASSERT_STRING_EQUAL(way.data,
                           "- web.default.svc.cluster.local.\t30\tIN\tA\t10.96.1.1\n"
                           "+ web.default.svc.cluster.local.\t30\tIN\tA\t10.96.1.2\n"
                           "= 101 103\n"
                           "+ txt.default.svc.cluster.local.\t30\tIN\tTXT\t\"= + - ; \\\"quoted\\\"\"\n"
                           "= 103 104\n");
    CU_ASSERT_STRING_EQUAL(way_between(h, 100, 104), "100 101 103 104");
    CU_ASSERT_STRING_EQUAL(way_between(h, 100, 101), "100 101");
    CU_ASSERT_STRING_EQUAL(way_between(h, 103, 103), "");
    static const uint32_t none[][2] = {{99, 104}, {102, 104}, {104, 100}, {100, 105}, {100, 102}};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CU_ASSERT_EQUAL(replay(h, none[i][0], none[i][1], UINT64_MAX), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(replay(h, 100, 104, 100), ERR_LIMIT);
    end(h);
}

static void a_journal_is_followed_as_it_grows(void)
{
    struct journal_history *h = begin();
    struct journal_writer w;
    char line[128];
    CU_ASSERT_EQUAL_FATAL(journal_create(&w, path, name_of("cluster.local."), 1000), ERR_OK);
    for (uint32_t i = 1; i <= 700; i++) {
        snprintf(line, sizeof line, "+ n%u.cluster.local. 5 IN A 10.0.0.1", i);
        commit(&w, 1000 + i, (const char *const[]){line, NULL});
        if (i % 50 == 0) {
            journal_history_look(h);
            snprintf(line, sizeof line, "%u %u %u", 998 + i, 999 + i, 1000 + i);
            CU_ASSERT_STRING_EQUAL(way_between(h, 998 + i, 1000 + i), line);
        }
    }
    CU_ASSERT_EQUAL(replay(h, 1000, 1700, UINT64_MAX), ERR_OK);
    journal_close(&w);
    end(h);
}

/* A journal upon `base` with one transaction each for the serials up to `last`, in place of the present one.
 */
static void replace_journal(uint32_t base, uint32_t last)
{
    struct journal_writer w;
    CU_ASSERT_EQUAL_FATAL(journal_create(&w, path, name_of("cluster.local."), base), ERR_OK);
    for (uint32_t serial = base + 1; serial <= last; serial++)
        commit(&w, serial, first_change);
    journal_close(&w);
}

static void the_way_goes_on_from_one_journal_to_the_next(void)
{
    struct journal_history *h = begin();
    replace_journal(100, 110);
    journal_history_look(h);
    replace_journal(105, 115);
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 102, 112), "102 103 104 105 106 107 108 109 110 111 112");
    CU_ASSERT_STRING_EQUAL(way_between(h, 108, 112), "108 109 110 111 112");
    CU_ASSERT_STRING_EQUAL(way_between(h, 102, 104), "102 103 104"); /* the zone served may be behind */
    CU_ASSERT_EQUAL(replay(h, 99, 112, UINT64_MAX), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(replay(h, 100, 115, 1000), ERR_LIMIT);
    replace_journal(115, 116); /* upon the last serial; the first of the three is forgotten */
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 113, 116), "113 114 115 116");
    CU_ASSERT_EQUAL(replay(h, 102, 116, UINT64_MAX), ERR_NOT_FOUND);
    replace_journal(200, 201); /* of another history */
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 200, 201), "200 201");
    CU_ASSERT_STRING_EQUAL(way_between(h, 115, 116), "115 116");
    CU_ASSERT_EQUAL(replay(h, 116, 201, UINT64_MAX), ERR_NOT_FOUND);
    end(h);
}

static void the_tail_of_a_journal_is_read_before_the_next_one(void)
{
    struct journal_history *h = begin();
    struct journal_writer w;
    replace_journal(100, 103);
    journal_history_look(h);
    struct errtext e = {0};
    CU_ASSERT_EQUAL_FATAL(journal_open(&w, path, name_of("cluster.local."), 100, &e), ERR_OK);
    commit(&w, 104, second_change);
    commit(&w, 105, second_change);
    journal_close(&w);
    replace_journal(105, 106);
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 100, 106), "100 101 102 103 104 105 106");
    end(h);
}

static void damage_ends_a_history_until_the_next_journal(void)
{
    struct journal_history *h = begin();
    replace_journal(100, 104);
    struct bytes text = read_file(path);
    text.data[text.len - 3] = text.data[text.len - 3] == '0' ? '1' : '0'; /* of the last checksum */
    write_file(path, text.data, text.len);
    bytes_free(&text);
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 100, 103), "100 101 102 103");
    CU_ASSERT_EQUAL(replay(h, 100, 104, UINT64_MAX), ERR_NOT_FOUND);
    write_file(path, "", 0); /* cut to nothing under our eyes */
    journal_history_look(h);
    CU_ASSERT_TRUE(replay(h, 100, 103, UINT64_MAX) < 0);
    write_file(path, "no journal\n", 11);
    journal_history_look(h);
    replace_journal(103, 105);
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 103, 105), "103 104 105");
    unlink(path);
    journal_history_look(h);
    CU_ASSERT_STRING_EQUAL(way_between(h, 103, 105), "103 104 105");
    end(h);
}

static int stop(char op, const struct rr *rr, void *ctx)
{
    (void)op, (void)rr, (void)ctx;
    return -E2BIG;
}

static void a_visitor_can_end_it(void)
{
    struct journal_history *h = begin();
    const struct journal_visitor visitor = {.change = stop, .commit = note_commit};
    write_journal(path);
    journal_history_look(h);
    serials[0] = '\0';
    CU_ASSERT_EQUAL(journal_history_replay(h, 100, 104, UINT64_MAX, &visitor), -E2BIG);
    CU_ASSERT_STRING_EQUAL(serials, "");
    end(h);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"transactions are visited in order, as they were written",
         transactions_are_visited_in_order_as_they_were_written},
        {"a journal is followed as it grows", a_journal_is_followed_as_it_grows},
        {"the way goes on from one journal to the next", the_way_goes_on_from_one_journal_to_the_next},
        {"the tail of a journal is read before the next one",
         the_tail_of_a_journal_is_read_before_the_next_one},
        {"damage ends a history until the next journal", damage_ends_a_history_until_the_next_journal},
        {"a visitor can end it", a_visitor_can_end_it},
    };
    return run_suite("zone/history of a journal", tests, sizeof tests / sizeof tests[0]);
}
