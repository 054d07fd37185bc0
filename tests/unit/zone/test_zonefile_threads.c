/* Files of several pieces, which threads make into nodes side by side: the zone is that of the lines in their
 * order. */
#include "fixture.h"
#include "zone/zonefile.h"
#include "zone/zonefile_piece.h"
#include "zonefile_cases.h"

#define OWNERS 12000u
#define EACH   3u /* records of an owner: many owners lie in two pieces */

static void line_of(unsigned owner, unsigned k, char line[256])
{
    snprintf(line, 256, "name-%u.of-a-service-%u.ns-%u.svc.cluster.local.\t%u\tIN\tA\t10.%u.%u.%u", owner,
             owner / 10, owner / 1000, 5 + owner % 3, k, owner >> 8 & 255, owner & 255);
}

/* A file of ours; where `scattered`, an owner's records do not stand together. */
static struct bytes make_file(const char *path, bool scattered)
{
    struct zonefile_writer w;
    struct zonefile_header header = {.zone = "cluster.local.", .serial = 100};
    char line[256];
    CU_ASSERT_EQUAL_FATAL(zonefile_write_begin(&w, path, &header), ERR_OK);
    zonefile_write_rr(&w, record_of(SOA_LINE));
    for (unsigned i = 0; i < OWNERS * EACH; i++) {
        line_of(scattered ? i % OWNERS : i / EACH, scattered ? i / OWNERS : i % EACH, line);
        zonefile_write_rr(&w, record_of(line));
    }
    CU_ASSERT_EQUAL_FATAL(zonefile_write_commit(&w), ERR_OK);
    struct bytes file = read_file(path);
    CU_ASSERT_TRUE_FATAL(file.len > 6 * PIECE_SIZE);
    return file;
}

static unsigned count_wrong(const struct zone *z)
{
    unsigned wrong = 0;
    char line[256];
    for (unsigned i = 0; i < OWNERS; i++) {
        struct rrset set;
        line_of(i, 0, line);
        *strchr(line, '\t') = '\0';
        const struct node *n = find(z, line);
        wrong += n == NULL || !node_rrset(n, RR_A, &set) || set.count != EACH || set.ttl != 5 + i % 3 ||
                 node_has_children(n);
        for (unsigned k = 0; wrong == 0 && k < EACH; k++)
            wrong += memcmp(set.data + 6 * k,
                            (uint8_t[]){0, 4, 10, (uint8_t)k, (uint8_t)(i >> 8), (uint8_t)i}, 6) != 0;
    }
    for (unsigned i = 0; i < OWNERS; i += 10) {
        snprintf(line, sizeof line, "of-a-service-%u.ns-%u.svc.cluster.local.", i / 10, i / 1000);
        const struct node *n = find(z, line);
        wrong += n == NULL || !node_has_children(n) || node_rrset_count(n) != 0;
    }
    return wrong;
}

static void a_file_of_many_pieces_is_loaded(bool scattered)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    struct bytes file = make_file(path, scattered);
    struct zone *z = NULL;
    struct errtext e;
    CU_ASSERT_EQUAL_FATAL(load(path, &z, &e), ERR_OK);
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), OWNERS * EACH + 1);
    CU_ASSERT_EQUAL(count_wrong(z), 0);
    /* Names leave with the last below them, so children were counted right. */
    struct zone_txn *t = zone_begin(z);
    char line[256];
    for (unsigned i = 0; i < OWNERS * EACH; i++) {
        line_of(i / EACH, i % EACH, line);
        CU_ASSERT_EQUAL(zone_remove(t, record_of(line)), ERR_OK);
    }
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    CU_ASSERT_PTR_NULL(find(z, "svc.cluster.local."));
    zone_free(z);
    rcu_drain();
    bytes_free(&file);
    remove_folder(folder);
}

static void records_that_stand_together(void)
{
    a_file_of_many_pieces_is_loaded(false);
}

static void records_that_are_scattered(void)
{
    a_file_of_many_pieces_is_loaded(true);
}

static void check_error(const char *path, int code, unsigned long line, const char *why)
{
    struct zone *z = NULL;
    struct errtext e;
    char expected[8192];
    snprintf(expected, sizeof expected, "%s:%lu: %s", path, line, why);
    CU_ASSERT_EQUAL(load(path, &z, &e), code);
    CU_ASSERT_STRING_EQUAL(e.text, expected);
    CU_ASSERT_PTR_NULL(z);
}

static unsigned long line_at(const struct bytes *file, size_t at)
{
    unsigned long line = 1;
    for (size_t i = 0; i < at; i++)
        line += file->data[i] == '\n';
    return line;
}

static void an_error_names_its_line_in_whatever_piece_it_is(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    struct bytes file = make_file(path, false);
    for (size_t at = PIECE_SIZE / 2; at < file.len; at += PIECE_SIZE) {
        char *end = strchr(file.data + at, '\n');
        char kept = end[-1];
        end[-1] = 'x';
        write_file(path, file.data, file.len);
        check_error(path, ERR_MALFORMED, line_at(&file, (size_t)(end - file.data)),
                    "expected an IPv4 address");
        end[-1] = kept;
        write_file(path, file.data, at);
        check_error(path, ERR_TRUNCATED, line_at(&file, at),
                    "the file ends without its trailer (it was cut, or written by something else)");
    }
    file.data[file.len - PIECE_SIZE] ^= 1;
    write_file(path, file.data, file.len);
    struct zone *z = NULL;
    struct errtext e;
    CU_ASSERT_NOT_EQUAL(load(path, &z, &e), ERR_OK);
    bytes_free(&file);
    remove_folder(folder);
}

static void a_line_that_is_too_long_and_what_follows_the_trailer(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    struct bytes file = make_file(path, false);
    struct bytes more;
    bytes_init(&more, 64u << 20);
    bytes_append(&more, file.data, file.len);
    bytes_append_str(&more, "; more\n");
    write_file(path, more.data, more.len);
    check_error(path, ERR_MALFORMED, line_at(&more, file.len), "something follows the trailer");
    size_t half = (size_t)(strchr(file.data + file.len / 2, '\n') - file.data) + 1;
    bytes_reset(&more);
    bytes_append(&more, file.data, half);
    memset(bytes_reserve(&more, PIECE_SIZE), 'a', PIECE_SIZE);
    more.len += PIECE_SIZE;
    bytes_append(&more, file.data + half - 1, file.len - half + 1);
    write_file(path, more.data, more.len);
    check_error(path, ERR_LIMIT, line_at(&file, half), "the line is too long");
    bytes_free(&more);
    bytes_free(&file);
    remove_folder(folder);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"records that stand together", records_that_stand_together},
        {"records that are scattered", records_that_are_scattered},
        {"an error names its line, in whatever piece it is", an_error_names_its_line_in_whatever_piece_it_is},
        {"a line that is too long, and what follows the trailer",
         a_line_that_is_too_long_and_what_follows_the_trailer},
    };
    return run_suite("zone/zonefile_threads", tests, sizeof tests / sizeof tests[0]);
}
