#include "zone/journal.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "journal_cases.h"
#include "zone/serial.h"

static void what_is_written_is_applied(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct zone *z = zone_of(NULL);
    struct errtext e;
    write_journal(path);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 3);
    CU_ASSERT_TRUE(same_as_after(z, 3));
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), 104);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 0); /* all of it is skipped now */
    zone_free(z);
    remove_folder(folder);
}

/* write_journal: base 100, commits up to 104. */
static void a_journal_leads_from_one_of_its_serials_to_another(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    static const struct {
        uint32_t from, to;
        bool leads;
    } cases[] = {{100, 104, true},  {100, 101, true},  {101, 104, true},  {100, 100, true},
                 {104, 104, true},  {99, 104, false},  {104, 100, false}, {104, 101, false},
                 {100, 105, false}, {102, 103, false}, {105, 105, false}, {0, 0, false}};
    CU_ASSERT_FALSE(journal_leads(path, name_of("cluster.local."), 100, 100));
    write_journal(path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(journal_leads(path, name_of("cluster.local."), cases[i].from, cases[i].to),
                        cases[i].leads);
    CU_ASSERT_FALSE(journal_leads(path, name_of("other.example."), 100, 104));
    struct bytes file = read_file(path);
    strstr(file.data, "10.96.1.1")[0] = '2'; /* the first transaction no longer verifies */
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
    int fd = open(path, O_WRONLY);
    CU_ASSERT_EQUAL(write(fd, file.data, file.len), (ssize_t)file.len);
    close(fd);
    CU_ASSERT_FALSE(journal_leads(path, name_of("cluster.local."), 100, 104));
    bytes_free(&file);
    remove_folder(folder);
}

static void the_text_is_that_of_the_manual(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    write_journal(path);
    struct bytes file = read_file(path);
    static const char start[] = "; seamark journal 1\n; zone: cluster.local.\n; base: 100\n"
                                "; cause: Service default/web changed 2026-11-23T06:20:24Z\n"
                                "+ web.default.svc.cluster.local.\t30\tIN\tA\t10.96.1.1\n"
                                "+ default.svc.cluster.local.\t30\tIN\tTYPE65280\t\\# 0\n"
                                "= 101 20";
    CU_ASSERT_EQUAL(strncmp(file.data, start, sizeof start - 1), 0);
    char *commit_line = strstr(file.data, "= 101 "), *digits = strstr(commit_line, " crc32 ") + 7;
    CU_ASSERT_EQUAL(digits[8], '\n');
    /* the sum of "BASE\n" and all octets of the transaction before the digits */
    char *begin = strstr(file.data, "; cause: ");
    struct bytes summed;
    bytes_init(&summed, 1 << 20);
    bytes_append_str(&summed, "100\n");
    bytes_append(&summed, begin, (size_t)(digits - begin));
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < summed.len; i++) {
        crc ^= (uint8_t)summed.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    CU_ASSERT_EQUAL(strtoul(digits, NULL, 16), (uint32_t)~crc);
    bytes_free(&summed);
    bytes_free(&file);
    remove_folder(folder);
}

static void a_follower_sees_each_transaction_when_it_is_committed(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct zone *z = zone_of(NULL);
    struct journal_writer w;
    struct journal_reader *r;
    struct errtext e = {0};
    CU_ASSERT_EQUAL(journal_create(&w, path, zone_apex(z), 100), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(journal_follow(path, zone_apex(z), &r, &e), ERR_OK);
    CU_ASSERT_EQUAL(journal_base(r), 100);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), 0);
    pend(&w, first_change);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), 0);
    CU_ASSERT_EQUAL(journal_commit(&w, 101, false), ERR_OK);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), 1);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), 0);
    CU_ASSERT_TRUE(same_as_after(z, 1));
    commit(&w, 103, second_change);
    commit(&w, 104, third_change);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), 2);
    CU_ASSERT_TRUE(same_as_after(z, 3));
    journal_unfollow(r);
    journal_close(&w);
    zone_free(z);
    remove_folder(folder);
}

static void what_is_older_than_the_zone_is_skipped(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct errtext e;
    write_journal(path);
    for (unsigned count = 0; count <= 3; count++) {
        struct zone *z = zone_after(count);
        CU_ASSERT_EQUAL(apply_once(path, z, &e), 3 - (int)count);
        CU_ASSERT_TRUE(same_as_after(z, 3));
        zone_free(z);
    }
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    zone_set_serial(t, 500); /* the zone file is newer than the whole journal */
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 0);
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), 500);
    zone_free(z);
    remove_folder(folder);
}

static void serials_wrap_round(void)
{
    CU_ASSERT_TRUE(serial_after(1, 0));
    CU_ASSERT_TRUE(serial_after(0, 0xffffffffu));
    CU_ASSERT_TRUE(serial_after(0x7fffffffu, 0));
    CU_ASSERT_FALSE(serial_after(0, 0));
    CU_ASSERT_FALSE(serial_after(0, 1));
    CU_ASSERT_FALSE(serial_after(0x80000000u, 0)); /* half of the circle: neither way */
    CU_ASSERT_FALSE(serial_after(0, 0x80000000u));

    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_writer w;
    struct errtext e;
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    zone_set_serial(t, 0xfffffffeu);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(journal_create(&w, path, zone_apex(z), 0xfffffffeu), ERR_OK);
    commit(&w, 0xffffffffu, first_change);
    commit(&w, 3, second_change);
    pend(&w, third_change);
    CU_ASSERT_EQUAL(journal_commit(&w, 3, false), ERR_STALE);
    CU_ASSERT_EQUAL(journal_commit(&w, 0xffffffffu, false), ERR_STALE);
    CU_ASSERT_EQUAL(journal_commit(&w, 4, false), ERR_OK);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 3);
    CU_ASSERT_EQUAL(zone_serial(zone_current(z)), 4);
    journal_close(&w);
    zone_free(z);
    remove_folder(folder);
}

struct replayed {
    struct bytes text;
    int stop_at;
    int visits;
};

static int note(char op, const struct rr *rr, void *ctx)
{
    struct replayed *n = ctx;
    bytes_printf(&n->text, "%c ", op);
    rr_to_text(rr, &n->text);
    bytes_append(&n->text, "\n", 1);
    return ++n->visits == n->stop_at ? 7 : 0;
}

static void a_replay_visits_every_change_in_order(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_reader *r;
    struct errtext e = {0};
    struct replayed n = {.stop_at = 0};
    uint32_t serial = 100;
    bytes_init(&n.text, 1 << 20);
    write_journal(path);
    CU_ASSERT_EQUAL_FATAL(journal_follow(path, name_of("cluster.local."), &r, &e), ERR_OK);
    CU_ASSERT_EQUAL(journal_replay(r, &serial, note, &n, &e), 3);
    CU_ASSERT_EQUAL(serial, 104);
    CU_ASSERT_STRING_EQUAL(n.text.data,
                           "+ web.default.svc.cluster.local.\t30\tIN\tA\t10.96.1.1\n"
                           "+ default.svc.cluster.local.\t30\tIN\tTYPE65280\t\\# 0\n"
                           "- web.default.svc.cluster.local.\t30\tIN\tA\t10.96.1.1\n"
                           "+ web.default.svc.cluster.local.\t30\tIN\tA\t10.96.1.2\n"
                           "+ txt.default.svc.cluster.local.\t30\tIN\tTXT\t\"= + - ; \\\"quoted\\\"\"\n");
    CU_ASSERT_EQUAL(journal_replay(r, &serial, note, &n, &e), 0);
    journal_unfollow(r);

    CU_ASSERT_EQUAL_FATAL(journal_follow(path, name_of("cluster.local."), &r, &e), ERR_OK);
    n.visits = 0;
    n.stop_at = 3; /* the first of the second transaction */
    serial = 100;
    CU_ASSERT_EQUAL(journal_replay(r, &serial, note, &n, &e), 7);
    CU_ASSERT_EQUAL(serial, 101);
    journal_unfollow(r);
    bytes_free(&n.text);
    remove_folder(folder);
}

static void nothing_is_written_for_nothing(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_writer w;
    CU_ASSERT_EQUAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    struct bytes before = read_file(path);
    CU_ASSERT_EQUAL(journal_commit(&w, 101, true), ERR_OK);
    CU_ASSERT_EQUAL(journal_cause(&w, "nothing\nat all"), ERR_OK);
    CU_ASSERT_EQUAL(journal_commit(&w, 101, true), ERR_OK);
    pend(&w, first_change);
    journal_discard(&w);
    CU_ASSERT_EQUAL(journal_commit(&w, 101, true), ERR_OK);
    CU_ASSERT_EQUAL(journal_add(&w, record_of(SOA_LINE)), ERR_MALFORMED);
    struct rr wrong = *record_of("a.cluster.local. 5 IN A 1.2.3.4");
    wrong.rdlen = 3;
    CU_ASSERT_EQUAL(journal_add(&w, &wrong), ERR_MALFORMED);
    CU_ASSERT_EQUAL(journal_commit(&w, 101, true), ERR_OK);
    CU_ASSERT_EQUAL(w.serial, 100);
    CU_ASSERT_EQUAL(w.transactions, 0);
    journal_close(&w);
    struct bytes after = read_file(path);
    CU_ASSERT_EQUAL(after.len, before.len);
    bytes_free(&before);
    bytes_free(&after);
    remove_folder(folder);
}

static void an_opened_journal_goes_on_where_it_ended(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_writer w;
    struct errtext e = {0};
    struct zone *z = zone_of(NULL);
    CU_ASSERT_EQUAL(journal_create(&w, path, zone_apex(z), 100), ERR_OK);
    commit(&w, 101, first_change);
    journal_close(&w);
    int fd = open(path, O_WRONLY | O_APPEND);
    CU_ASSERT_EQUAL(fsio_write_all(fd, "; cause: torn\n+ web", 19), ERR_OK); /* a writer that was killed */
    close(fd);
    CU_ASSERT_EQUAL_FATAL(journal_open(&w, path, zone_apex(z), 100, &e), ERR_OK);
    CU_ASSERT_EQUAL(w.serial, 101);
    CU_ASSERT_EQUAL(w.transactions, 1);
    commit(&w, 103, second_change);
    journal_close(&w);
    struct bytes file = read_file(path);
    CU_ASSERT_PTR_NULL(strstr(file.data, "torn"));
    bytes_free(&file);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 2);
    CU_ASSERT_TRUE(same_as_after(z, 2));
    CU_ASSERT_EQUAL(journal_open(&w, path, zone_apex(z), 99, &e), ERR_STALE);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "upon serial 100, expected 99"));
    CU_ASSERT_EQUAL(journal_open(&w, path, name_of("other.local."), 100, NULL), ERR_MALFORMED);
    CU_ASSERT_EQUAL(journal_open(&w, path_in(folder, "none"), zone_apex(z), 100, NULL), -ENOENT);
    zone_free(z);
    remove_folder(folder);
}

/* ---- no room ---- */

static void limit_file_size(rlim_t octets)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = octets;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_write_that_fails_part_way_is_cut_back_and_can_be_repeated(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_writer w;
    struct errtext e;
    struct zone *z = zone_of(NULL);
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(journal_create(&w, path, zone_apex(z), 100), ERR_OK);
    commit(&w, 101, first_change);
    struct bytes before = read_file(path);
    CU_ASSERT_EQUAL(journal_cause(&w, "Service default/web"), ERR_OK);
    pend(&w, second_change);
    for (rlim_t room = 0; room < 150; room += 7) { /* a short write of each length, then an error */
        limit_file_size(before.len + room);
        int ret = journal_commit(&w, 103, true);
        limit_file_size(RLIM_INFINITY);
        CU_ASSERT_EQUAL(ret, -EFBIG);
        struct bytes after = read_file(path);
        CU_ASSERT_TRUE(after.len == before.len && memcmp(before.data, after.data, after.len) == 0);
        bytes_free(&after);
    }
    CU_ASSERT_EQUAL(w.serial, 101);
    CU_ASSERT_EQUAL(journal_commit(&w, 103, true), ERR_OK); /* there is room again */
    commit(&w, 104, third_change);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 3);
    CU_ASSERT_TRUE(same_as_after(z, 3));
    bytes_free(&before);
    journal_close(&w);
    zone_free(z);
    remove_folder(folder);
}

static void a_tail_that_could_not_be_cut_is_cut_before_the_next_commit(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_writer w;
    struct errtext e;
    struct zone *z = zone_of(NULL);
    CU_ASSERT_EQUAL(journal_create(&w, path, zone_apex(z), 100), ERR_OK);
    commit(&w, 101, first_change);
    int fd = open(path, O_WRONLY | O_APPEND);
    CU_ASSERT_EQUAL(fsio_write_all(fd, "- half a li", 11), ERR_OK);
    commit(&w, 103, second_change);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 2);
    CU_ASSERT_TRUE(same_as_after(z, 2));
    CU_ASSERT_EQUAL(ftruncate(fd, 10), 0); /* somebody else's hand: nothing is written upon the ruin */
    pend(&w, third_change);
    CU_ASSERT_EQUAL(journal_commit(&w, 104, true), ERR_TRUNCATED);
    close(fd);
    journal_close(&w);
    zone_free(z);
    remove_folder(folder);
}

static void a_transaction_has_a_largest_size(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_writer w;
    static uint8_t large[RDATA_MAX];
    struct rr rr = *record_of("a.cluster.local. 5 IN TYPE65281 \\# 0");
    rr.rdata = large;
    rr.rdlen = RDATA_MAX;
    int ret = ERR_OK;
    unsigned count = 0;
    CU_ASSERT_EQUAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    struct bytes before = read_file(path);
    for (; ret == ERR_OK && count < 10000; count++)
        ret = journal_add(&w, &rr);
    CU_ASSERT_EQUAL(ret, ERR_LIMIT);
    CU_ASSERT_TRUE(count > 400);
    CU_ASSERT_EQUAL(journal_commit(&w, 101, true), ERR_LIMIT);
    struct bytes after = read_file(path);
    CU_ASSERT_EQUAL(before.len, after.len);
    journal_discard(&w);
    commit(&w, 101, first_change);
    bytes_free(&before);
    bytes_free(&after);
    journal_close(&w);
    remove_folder(folder);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"what is written is applied", what_is_written_is_applied},
        {"a journal leads from one of its serials to another",
         a_journal_leads_from_one_of_its_serials_to_another},
        {"the text is that of the manual", the_text_is_that_of_the_manual},
        {"a follower sees each transaction when it is committed",
         a_follower_sees_each_transaction_when_it_is_committed},
        {"what is older than the zone is skipped", what_is_older_than_the_zone_is_skipped},
        {"serials wrap round", serials_wrap_round},
        {"a replay visits every change in order", a_replay_visits_every_change_in_order},
        {"nothing is written for nothing", nothing_is_written_for_nothing},
        {"an opened journal goes on where it ended", an_opened_journal_goes_on_where_it_ended},
        {"a write that fails part-way is cut back and can be repeated",
         a_write_that_fails_part_way_is_cut_back_and_can_be_repeated},
        {"a tail that could not be cut is cut before the next commit",
         a_tail_that_could_not_be_cut_is_cut_before_the_next_commit},
        {"a transaction has a largest size", a_transaction_has_a_largest_size},
    };
    return run_suite("zone/journal", tests, sizeof tests / sizeof tests[0]);
}
