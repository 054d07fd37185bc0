/* Zone files that are cut, damaged, of something else, or cannot be written. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "fixture.h"
#include "zone/zonefile.h"
#include "zonefile_cases.h"

/* Loading fails with that code, says so with these words, and gives no zone. */
static void check_refused(const char *path, int code, const char *words)
{
    struct errtext e;
    struct zone *z = NULL;
    int ret = load(path, &z, &e);
    if (ret != code || z != NULL || strstr(e.text, words) == NULL || strstr(e.text, path) == NULL) {
        fprintf(stderr, "expected %d \"%s\", got %d \"%s\"\n", code, words, ret, e.text);
        CU_FAIL("a damaged file was not refused as it should be");
    }
}

static void a_file_cut_anywhere_is_refused_whole(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    struct bytes file = read_file(path);
    for (size_t len = 0; len < file.len; len++) {
        struct zone *z = NULL;
        struct errtext e;
        write_file(path, file.data, len);
        int ret = load(path, &z, &e);
        if (ret == ERR_OK || z != NULL || strncmp(e.text, path, strlen(path)) != 0 ||
            e.text[strlen(path)] != ':')
            CU_FAIL("a file that was cut was not refused");
    }
    check_refused(path, ERR_TRUNCATED, "the file ends without its trailer");
    bytes_free(&file);
    remove_folder(folder);
}

static void every_flipped_bit_is_noticed(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    struct bytes file = read_file(path);
    for (size_t at = 0; at < file.len; at++) {
        struct zone *z = NULL;
        struct errtext e;
        file.data[at] ^= (char)(1 << at % 8);
        write_file(path, file.data, file.len);
        if (load(path, &z, &e) == ERR_OK || z != NULL || e.text[0] == '\0')
            CU_FAIL("a flipped bit was not noticed");
        file.data[at] ^= (char)(1 << at % 8);
    }
    bytes_free(&file);
    remove_folder(folder);
}

static void what_is_no_file_is_refused_without_waiting(void)
{
    char *folder = make_folder();
    alarm(20); /* a FIFO that blocks would hang here */
    check_refused(path_in(folder, "absent"), -ENOENT, "No such file");
    check_refused(folder, -EISDIR, "directory");
    CU_ASSERT_EQUAL(mkfifo(path_in(folder, "fifo"), 0600), 0);
    check_refused(path_in(folder, "fifo"), -EINVAL, "not a regular file");
    CU_ASSERT_EQUAL(symlink("loop", path_in(folder, "loop")), 0);
    check_refused(path_in(folder, "loop"), -ELOOP, "symbolic links");
    check_refused("/dev/zero", -EINVAL, "not a regular file");
    write_file(path_in(folder, "empty"), "", 0);
    check_refused(path_in(folder, "empty"), ERR_TRUNCATED, ":1: the file ends without its trailer");
    alarm(0);
    remove_folder(folder);
}

/* Writes these lines with the trailer that belongs to them, and checks how they are refused. */
static void check_text(const char *path, const char *text, int code, const char *words)
{
    write_file(path, text, strlen(text));
    check_refused(path, code, words);
}

#define HEAD  "; seamark zone file 1\n; zone: cluster.local.\n; serial: 100\n"
#define SOA_A "cluster.local.\t30\tIN\tSOA\ta. b. 100 1 2 3 4\n"

static void a_refusal_says_line_and_reason(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    check_text(path, "hello\n", ERR_MALFORMED, ":1: expected \"; seamark zone file 1\"");
    check_text(path, "; seamark zone file 2\n", ERR_UNSUPPORTED, ":1: a zone file of another version");
    check_text(path, "; seamark zone file 11\n", ERR_UNSUPPORTED, ":1: a zone file of another version");
    check_text(path, "; seamark zone file 1\n; zone: cluster.local.\n" SOA_A, ERR_MALFORMED,
               ":3: expected the zone's");
    check_text(path, "; seamark zone file 1\n; serial: 1\n" SOA_A, ERR_MALFORMED, ":3: expected the zone's");
    check_text(path, "; seamark zone file 1\n; serial: 4294967296\n", ERR_MALFORMED,
               ":2: the header's value");
    check_text(path, HEAD SOA_A "a.cluster.local. 5 IN A 1.2.3\n", ERR_MALFORMED,
               ":5: expected an IPv4 address");
    check_text(path, HEAD SOA_A "a.example. 5 IN A 1.2.3.4\n", ERR_MALFORMED, ":5: ");
    check_text(path, HEAD SOA_A, ERR_TRUNCATED, ":5: the file ends without its trailer");
    check_text(path, HEAD SOA_A "; end: 1 records, crc32 00000000\n", ERR_CHECKSUM, ":5: the checksum");
    check_text(path, HEAD SOA_A "; end: 1 records, crc32 0000000\n", ERR_MALFORMED,
               ":5: the trailer is malformed");
    check_text(path, HEAD SOA_A "; end: x records, crc32 00000000\n", ERR_MALFORMED,
               ":5: the trailer is malformed");
    check_text(path, HEAD SOA_A "; end: \n", ERR_MALFORMED, ":5: the trailer is malformed");
    check_text(path, "; seamark zone file 1\n; zone: other.local.\n; serial: 100\n", ERR_TRUNCATED, ":4: ");
    check_text(path, "; seamark zone file 1\n; zone: other.local.\n; serial: 100\n" SOA_A, ERR_MISMATCH,
               "expected the zone cluster.local., this is other.local.");
    remove_folder(folder);
}

static char *crc_of(const char *text)
{
    static char out[16];
    uint32_t crc =
        0xffffffffu; /* written out here, so as to check against the definition and not against zlib */
    for (; *text != '\0'; text++) {
        crc ^= (uint8_t)*text;
        for (int i = 0; i < 8; i++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    snprintf(out, sizeof out, "%08x", ~crc);
    return out;
}

/* The text with a right checksum and this count. */
static void write_text(const char *path, const char *text, const char *count, const char *behind)
{
    char file[4096];
    snprintf(file, sizeof file, "%s; end: %s records, crc32 %s\n%s", text, count, crc_of(text), behind);
    write_file(path, file, strlen(file));
}

static void count_serial_and_soa_must_be_right(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    struct errtext e;
    struct zone *z = NULL;
    write_text(path, HEAD SOA_A "; a comment\n\n", "1", "");
    CU_ASSERT_EQUAL(load(path, &z, &e), ERR_OK);
    zone_free(z);
    write_text(path, HEAD SOA_A, "2", "");
    check_refused(path, ERR_MALFORMED, ":5: the number of records");
    write_text(path, HEAD "; records: 2\n" SOA_A, "1", "");
    check_refused(path, ERR_MALFORMED, ":6: the number of records");
    write_text(path, HEAD SOA_A, "1", "a.cluster.local. 5 IN A 1.2.3.4\n");
    check_refused(path, ERR_MALFORMED, ":6: something follows the trailer");
    write_text(path, HEAD SOA_A, "1", "x");
    check_refused(path, ERR_MALFORMED, ":6: something follows the trailer");
    write_text(path, HEAD, "0", "");
    check_refused(path, ERR_MALFORMED, "expected exactly one SOA");
    write_text(path, HEAD SOA_A "cluster.local.\t30\tIN\tSOA\ta. b. 101 1 2 3 4\n", "2", "");
    check_refused(path, ERR_MALFORMED, "expected exactly one SOA");
    write_text(path, HEAD "cluster.local.\t30\tIN\tSOA\ta. b. 101 1 2 3 4\n", "1", "");
    check_refused(path, ERR_MALFORMED, "the serial of the header is 100, but that of the SOA is 101");
    remove_folder(folder);
}

static void a_line_without_end_is_refused_at_its_limit(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    write_file(path, HEAD SOA_A, strlen(HEAD SOA_A));
    CU_ASSERT_EQUAL(truncate(path, 100 << 20), 0); /* zeros to the end */
    check_refused(path, ERR_LIMIT, ":5: the line is too long");
    remove_folder(folder);
}

/* ---- writing goes wrong ---- */

static void a_failed_write_leaves_the_old_file(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    CU_ASSERT_EQUAL(write_zone(path, (const char *const[]){SOA_LINE, NULL}, 0), ERR_OK);
    struct bytes before = read_file(path);

    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 5), ERR_MALFORMED); /* another number than promised */
    static const uint8_t owner[] = {0};
    struct rr wrong = {.owner = owner, .type = RR_A, .class = CLASS_IN, .rdlen = 1, .rdata = owner};
    struct zonefile_header header = {.zone = "cluster.local."};
    struct zonefile_writer w;
    CU_ASSERT_EQUAL(zonefile_write_begin(&w, path, &header), ERR_OK);
    CU_ASSERT_EQUAL(zonefile_write_rr(&w, &wrong), ERR_MALFORMED);
    CU_ASSERT_EQUAL(zonefile_write_rr(&w, record_of(SOA_LINE)), ERR_MALFORMED); /* it sticks */
    CU_ASSERT_EQUAL(zonefile_write_commit(&w), ERR_MALFORMED);

    struct rlimit full = {.rlim_cur = 200, .rlim_max = RLIM_INFINITY}, old;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &full);
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &old);

    struct bytes after = read_file(path);
    CU_ASSERT_TRUE(after.len == before.len && memcmp(after.data, before.data, after.len) == 0);
    CU_ASSERT_EQUAL(count_files(folder), 1);
    CU_ASSERT_EQUAL(write_zone(path_in(folder, "no/such/z"), all_kinds, 0), -ENOENT);
    bytes_free(&before);
    bytes_free(&after);
    remove_folder(folder);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a file cut anywhere is refused whole", a_file_cut_anywhere_is_refused_whole},
        {"every flipped bit is noticed", every_flipped_bit_is_noticed},
        {"what is no file is refused without waiting", what_is_no_file_is_refused_without_waiting},
        {"a refusal says line and reason", a_refusal_says_line_and_reason},
        {"count, serial and SOA must be right", count_serial_and_soa_must_be_right},
        {"a line without end is refused at its limit", a_line_without_end_is_refused_at_its_limit},
        {"a failed write leaves the old file", a_failed_write_leaves_the_old_file},
    };
    return run_suite("zone/zonefile damage", tests, sizeof tests / sizeof tests[0]);
}
