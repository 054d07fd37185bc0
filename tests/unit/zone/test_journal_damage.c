/* Journals that are torn, damaged, of something else, or do not follow on the zone. */
#include <errno.h>
#include <sys/stat.h>

#include "journal_cases.h"

/* The zone at serial 100 follows the file: `ret` is returned, `words` are said, `applied` transactions are
 * seen. */
static void check_followed(const char *path, int ret, unsigned applied, const char *words)
{
    struct errtext e;
    struct zone *z = zone_of(NULL);
    int got = apply_once(path, z, &e);
    if (got != ret || !same_as_after(z, applied) || strstr(e.text, words) == NULL) {
        fprintf(stderr, "expected %d \"%s\", got %d \"%s\"\n", ret, words, got, e.text);
        CU_FAIL("a journal was not followed as it should be");
    }
    zone_free(z);
}

static void check_text(const char *path, const char *text, int ret, const char *words)
{
    write_file(path, text, strlen(text));
    check_followed(path, ret, 0, words);
}

/* Offsets in the file of the end of the header and of each transaction. */
static void find_ends(const struct bytes *file, size_t ends[4])
{
    const char *at = strstr(file->data, "; base: ");
    ends[0] = (size_t)(strchr(at, '\n') + 1 - file->data);
    for (int i = 1; i < 4; i++) {
        at = strstr(file->data + ends[i - 1], "\n= ");
        ends[i] = (size_t)(strchr(at + 1, '\n') + 1 - file->data);
    }
}

static void a_tail_torn_at_any_octet_is_ignored(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    size_t ends[4];
    write_journal(path);
    struct bytes file = read_file(path);
    find_ends(&file, ends);
    CU_ASSERT_EQUAL_FATAL(ends[3], file.len);
    for (size_t len = ends[0]; len <= file.len; len++) {
        unsigned whole = len >= ends[3] ? 3 : len >= ends[2] ? 2 : len >= ends[1] ? 1 : 0;
        write_file(path, file.data, len);
        check_followed(path, (int)whole, whole, "");
    }
    for (size_t len = 0; len < ends[0]; len++) { /* a header is never torn: it is put in place whole */
        write_file(path, file.data, len);
        check_followed(path, ERR_MALFORMED, 0, "not a journal of Seamark");
    }
    bytes_free(&file);
    remove_folder(folder);
}

static void a_tail_that_is_completed_later_is_applied_then(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_reader *r;
    struct errtext e = {0};
    struct zone *z = zone_of(NULL);
    size_t ends[4];
    write_journal(path);
    struct bytes file = read_file(path);
    find_ends(&file, ends);
    write_file(path, file.data, ends[0]);
    CU_ASSERT_EQUAL_FATAL(journal_follow(path, zone_apex(z), &r, &e), ERR_OK);
    int fd = open(path, O_WRONLY | O_APPEND);
    unsigned applied = 0;
    for (size_t at = ends[0]; at < file.len; at++) {
        CU_ASSERT_EQUAL(fsio_write_all(fd, file.data + at, 1), ERR_OK);
        int ret = journal_apply(r, z, &e);
        CU_ASSERT_EQUAL(ret, at + 1 == ends[applied + 1] ? 1 : 0);
        applied += ret == 1;
        if (at == ends[1] + 20) { /* the writer cuts a tail off and writes the same transaction again */
            CU_ASSERT_EQUAL(ftruncate(fd, (off_t)ends[1]), 0);
            CU_ASSERT_EQUAL(journal_apply(r, z, &e), 0);
            CU_ASSERT_EQUAL(fsio_write_all(fd, file.data + ends[1], 21), ERR_OK);
        }
    }
    CU_ASSERT_EQUAL(applied, 3);
    CU_ASSERT_TRUE(same_as_after(z, 3));
    close(fd);
    journal_unfollow(r);
    zone_free(z);
    bytes_free(&file);
    remove_folder(folder);
}

static void a_flipped_bit_stops_before_the_transaction_it_is_in(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    size_t ends[4];
    write_journal(path);
    struct bytes file = read_file(path);
    find_ends(&file, ends);
    for (size_t at = ends[0]; at < file.len; at++) {
        unsigned whole = at >= ends[2] ? 2 : at >= ends[1] ? 1 : 0;
        struct zone *z = zone_of(NULL);
        struct errtext e;
        file.data[at] ^= (char)(1 << at % 8);
        write_file(path, file.data, file.len);
        int ret = apply_once(path, z, &e);
        /* a transaction whose commit line is no longer one runs into the next, and fails there or has no end
         */
        bool refused = ret == ERR_CHECKSUM || ret == ERR_MALFORMED || (whole == 2 && ret == 2);
        if (!refused || !same_as_after(z, whole) || (ret < 0 && strstr(e.text, "at offset") == NULL)) {
            fprintf(stderr, "octet %zu: %d \"%s\"\n", at, ret, e.text);
            CU_FAIL("a flipped bit was not noticed");
        }
        zone_free(z);
        file.data[at] ^= (char)(1 << at % 8);
    }
    bytes_free(&file);
    remove_folder(folder);
}

static void damage_in_the_middle_says_where_it_is(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j"), words[64];
    size_t ends[4];
    write_journal(path);
    struct bytes file = read_file(path);
    find_ends(&file, ends);
    strstr(file.data, "10.96.1.2")[8] = '3';
    write_file(path, file.data, file.len);
    snprintf(words, sizeof words, "(at offset %zu)", ends[1]);
    check_followed(path, ERR_CHECKSUM, 1, words);
    check_followed(path, ERR_CHECKSUM, 1, ":11: the checksum does not match");
    bytes_free(&file);
    remove_folder(folder);
}

static void a_gap_a_repetition_and_a_swap_are_noticed(void)
{
    static const struct {
        unsigned order[4]; /* transactions 1 to 3 as they stand in the file, up to a 0 */
        unsigned applied;
        const char *words;
    } cases[] = {
        {{1, 3}, 1, "one before it is missing"},     {{2, 3}, 0, "one before it is missing"},
        {{1, 1, 2}, 1, "stands here a second time"}, {{1, 2, 1}, 2, "stands here a second time"},
        {{2, 1}, 0, "one before it is missing"},     {{1, 2, 2}, 2, "stands here a second time"},
    };
    char *folder = make_folder(), *path = path_in(folder, "j");
    size_t ends[4];
    write_journal(path);
    struct bytes file = read_file(path);
    find_ends(&file, ends);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes other;
        bytes_init(&other, 1 << 20);
        bytes_append(&other, file.data, ends[0]);
        for (const unsigned *n = cases[i].order; *n != 0; n++)
            bytes_append(&other, file.data + ends[*n - 1], ends[*n] - ends[*n - 1]);
        write_file(path, other.data, other.len);
        check_followed(path, ERR_CHECKSUM, cases[i].applied, cases[i].words);
        bytes_free(&other);
    }
    bytes_free(&file);
    remove_folder(folder);
}

static void a_journal_that_does_not_follow_on_the_zone_is_stale(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct errtext e;
    write_journal(path);
    struct zone *z = zone_of(NULL);
    struct zone_txn *t = zone_begin(z);
    zone_set_serial(t, 99); /* the journal goes on from 100 */
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), ERR_STALE);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "goes on from serial 100, the zone is at 99"));
    t = zone_begin(z);
    zone_set_serial(t, 102); /* between two transactions: not a state that the journal knows */
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), ERR_STALE);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "leads from serial 101 to 103, the zone is at 102"));
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), 1);
    zone_free(z);
    remove_folder(folder);
}

static void what_is_no_journal_is_refused(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    alarm(20); /* a FIFO that blocks would hang here */
    check_followed(path, -ENOENT, 0, "No such file");
    check_followed(folder, -EISDIR, 0, "directory");
    CU_ASSERT_EQUAL(mkfifo(path_in(folder, "fifo"), 0600), 0);
    check_followed(path_in(folder, "fifo"), -EINVAL, 0, "not a regular file");
    alarm(0);
    check_text(path, "", ERR_MALFORMED, ":1: expected \"; seamark journal ...\"");
    check_text(path, "hello\n", ERR_MALFORMED, ":1: expected");
    check_text(path, "; seamark journal 2\n; zone: cluster.local.\n", ERR_UNSUPPORTED,
               ":1: a journal of another version");
    check_text(path, "; seamark journal 1\n; zone: other.local.\n; base: 1\n", ERR_MALFORMED,
               ":2: the journal of another");
    check_text(path, "; seamark journal 1\n; zone: ..\n; base: 1\n", ERR_MALFORMED,
               ":2: the journal of another");
    check_text(path, "; seamark journal 1\n; base: 1\n", ERR_MALFORMED, ":2: expected \"; zone: ");
    check_text(path, "; seamark journal 1\n; zone: cluster.local.\n; base: x\n", ERR_MALFORMED,
               ":3: expected a serial");
    check_text(path, "; seamark journal 1\n; zone: cluster.local.\n; base: 4294967296\n", ERR_MALFORMED,
               ":3: ");
    check_text(path, "; seamark journal 1\n; zone: cluster.local.\n; base: 101\n", ERR_STALE,
               "goes on from serial 101");
    remove_folder(folder);
}

#define HEAD "; seamark journal 1\n; zone: cluster.local.\n; base: 100\n"

static void a_malformed_commit_line_is_damage(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    static const char *const lines[] = {"=",
                                        "= ",
                                        "=101 x crc32 00000000",
                                        "= 101 crc32 0000000",
                                        "= x y crc32 00000000",
                                        "= 4294967296 y crc32 00000000",
                                        "= 101 y crc32 0000000G",
                                        "= crc32 00000000",
                                        "= 101 y crc33 00000000"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, HEAD "%s\n", lines[i]);
        check_text(path, text, ERR_MALFORMED, ":4: the commit line is malformed");
    }
    check_text(path, HEAD "= 101 y crc32 00000000\n", ERR_CHECKSUM, ":4: the checksum does not match");
    remove_folder(folder);
}

/* A journal whose only transaction is this text, with a right checksum; written by the writer's own hand. */
static void write_transaction(const char *path, const char *text, uint32_t serial)
{
    struct journal_writer w;
    CU_ASSERT_EQUAL(journal_create(&w, path, name_of("cluster.local."), 100), ERR_OK);
    bytes_append_str(&w.txn, text);
    w.changes = 1;
    CU_ASSERT_EQUAL(journal_commit(&w, serial, false), ERR_OK);
    journal_close(&w);
}

static void a_transaction_that_does_not_fit_the_zone_is_not_applied(void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n- b.cluster.local. 5 IN A 1.2.3.4\n", ":5: not found"},
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n+ a.example. 5 IN A 1.2.3.4\n", ":5: malformed"},
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n+ a.cluster.local. 5 IN A 1.2.3\n",
         ":5: expected an IPv4 address"},
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n* b.cluster.local. 5 IN A 1.2.3.4\n",
         ":5: expected a line that begins"},
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n+\n", ":5: expected a line that begins"},
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n+ " SOA_LINE "\n", ":5: a transaction does not change the SOA"},
        {"+ a.cluster.local. 5 IN A 1.2.3.4\n- " SOA_LINE "\n", ":5: a transaction does not change the SOA"},
    };
    char *folder = make_folder(), *path = path_in(folder, "j");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_transaction(path, cases[i].text, 101);
        check_followed(path, ERR_MALFORMED, 0, cases[i].words);
    }
    remove_folder(folder);
}

static void adding_what_is_there_changes_its_ttl(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct zone *z = zone_of((const char *const[]){"a.cluster.local. 5 IN A 1.2.3.4", NULL});
    struct errtext e;
    struct rrset set;
    write_transaction(path, "; a comment\n\n+ a.cluster.local. 7 IN A 1.2.3.4\n", 101);
    CU_ASSERT_EQUAL(apply_once(path, z, &e), 1);
    CU_ASSERT_TRUE(node_rrset(find(z, "a.cluster.local."), RR_A, &set));
    CU_ASSERT_EQUAL(set.ttl, 7);
    zone_free(z);
    remove_folder(folder);
}

static void a_file_cut_below_what_was_read_is_damage(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    struct journal_reader *r;
    struct errtext e = {0};
    struct zone *z = zone_of(NULL);
    write_journal(path);
    CU_ASSERT_EQUAL_FATAL(journal_follow(path, zone_apex(z), &r, &e), ERR_OK);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), 3);
    CU_ASSERT_EQUAL(truncate(path, 100), 0);
    CU_ASSERT_EQUAL(journal_apply(r, z, &e), ERR_MALFORMED);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "cut to less than had been read"));
    CU_ASSERT_TRUE(same_as_after(z, 3));
    journal_unfollow(r);
    zone_free(z);
    remove_folder(folder);
}

static void a_tail_without_end_is_refused_at_its_limit(void)
{
    char *folder = make_folder(), *path = path_in(folder, "j");
    write_file(path, HEAD, strlen(HEAD));
    CU_ASSERT_EQUAL(truncate(path, 1 << 20), 0); /* zeros: one line */
    check_followed(path, ERR_MALFORMED, 0, "the line is too long");
    FILE *f = fopen(path, "w");
    fputs(HEAD, f);
    for (unsigned i = 0; i < (JOURNAL_TXN_MAX >> 16) + 2; i++)
        fprintf(f, ";%*s\n", 65536, "x");
    fclose(f);
    check_followed(path, ERR_MALFORMED, 0, "longer than a transaction may be");
    remove_folder(folder);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a tail torn at any octet is ignored", a_tail_torn_at_any_octet_is_ignored},
        {"a tail that is completed later is applied then", a_tail_that_is_completed_later_is_applied_then},
        {"a flipped bit stops before the transaction it is in",
         a_flipped_bit_stops_before_the_transaction_it_is_in},
        {"damage in the middle says where it is", damage_in_the_middle_says_where_it_is},
        {"a gap, a repetition and a swap are noticed", a_gap_a_repetition_and_a_swap_are_noticed},
        {"a journal that does not follow on the zone is stale",
         a_journal_that_does_not_follow_on_the_zone_is_stale},
        {"what is no journal is refused", what_is_no_journal_is_refused},
        {"a malformed commit line is damage", a_malformed_commit_line_is_damage},
        {"a transaction that does not fit the zone is not applied",
         a_transaction_that_does_not_fit_the_zone_is_not_applied},
        {"adding what is there changes its TTL", adding_what_is_there_changes_its_ttl},
        {"a file cut below what was read is damage", a_file_cut_below_what_was_read_is_damage},
        {"a tail without end is refused at its limit", a_tail_without_end_is_refused_at_its_limit},
    };
    return run_suite("zone/journal damage", tests, sizeof tests / sizeof tests[0]);
}
