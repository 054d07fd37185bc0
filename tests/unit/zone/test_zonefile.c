#include "zone/zonefile.h"

#include "fixture.h"
#include "zonefile_cases.h"

/* ---- whole files ---- */

static void what_is_written_is_read_back(void)
{
    char *folder = make_folder(), *path = path_in(folder, "cluster.local.zone");
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    CU_ASSERT_EQUAL(count_files(folder), 1);
    struct errtext e;
    struct zone *z = NULL;
    CU_ASSERT_EQUAL_FATAL(load(path, &z, &e), ERR_OK);
    CU_ASSERT_EQUAL(zone_record_count(zone_current(z)), count_of(all_kinds));
    char *dump = dump_of(z), line[256];
    for (const char *const *l = all_kinds; *l != NULL; l++) {
        struct bytes text;
        bytes_init(&text, 1 << 20);
        CU_ASSERT_EQUAL(rr_to_text(record_of(*l), &text), ERR_OK);
        snprintf(line, sizeof line, "%s\n", text.data);
        CU_ASSERT_PTR_NOT_NULL(strstr(dump, line));
        bytes_free(&text);
    }
    free(dump);
    zone_free(z);
    remove_folder(folder);
}

static void the_header_is_read_back(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    struct zonefile_header header;
    struct errtext e = {0};
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(zonefile_read_header(path, &header, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(header.zone, "cluster.local.");
    CU_ASSERT_EQUAL(header.serial, 100);
    CU_ASSERT_EQUAL(header.records, 0); /* known at the end only */
    CU_ASSERT_STRING_EQUAL(header.rendered, "2026-11-23T06:20:24.123Z");
    CU_ASSERT_STRING_EQUAL(header.source, "https://10.96.0.1:443 ttl=30 pods=insecure"); /* stays one line */
    CU_ASSERT_STRING_EQUAL(header.cluster, "6f9619ff-8b86-d011-b42d-00c04fc964ff");
    CU_ASSERT_STRING_EQUAL(header.versions, "namespaces=1001 services=1002");
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, count_of(all_kinds)), ERR_OK);
    CU_ASSERT_EQUAL(zonefile_read_header(path, &header, &e), ERR_OK);
    CU_ASSERT_EQUAL(header.records, count_of(all_kinds));
    remove_folder(folder);
}

static void every_line_is_a_comment_or_has_owner_ttl_class_and_type(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    struct bytes file = read_file(path);
    char *rest = file.data, *line;
    unsigned records = 0;
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        char owner[1100], class[16], type[16];
        unsigned ttl;
        if (line[0] == ';')
            continue;
        records++;
        CU_ASSERT_EQUAL(sscanf(line, "%1099[^\t]\t%u\t%15[^\t]\t%15[^\t]\t", owner, &ttl, class, type), 4);
        CU_ASSERT_STRING_EQUAL(class, "IN");
        CU_ASSERT_EQUAL(owner[strlen(owner) - 1], '.');
    }
    CU_ASSERT_EQUAL(records, count_of(all_kinds));
    bytes_free(&file);
    remove_folder(folder);
}

/* ---- other programs ---- */

/* Runs a command of the shell, which finds the file in $ZONE; its output is shown where it fails. */
static bool run(const char *command, const char *path)
{
    char line[512];
    setenv("ZONE", path, 1);
    snprintf(line, sizeof line, "%s >$ZONE.out 2>&1 || { cat $ZONE.out >&2; exit 1; }", command);
    return system(line) == 0;
}

static void other_servers_accept_the_file_as_it_is(void)
{
    static const char *const checkers[][2] = {
        {"named-checkzone", "named-checkzone -i local cluster.local $ZONE"},
        {"nsd-checkzone", "nsd-checkzone cluster.local $ZONE"},
        {"kzonecheck", "kzonecheck -o cluster.local $ZONE"},
        {"ldns-read-zone", "ldns-read-zone $ZONE"},
    };
    char *folder = make_folder(), *path = path_in(folder, "z");
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    for (size_t i = 0; i < sizeof checkers / sizeof checkers[0]; i++) {
        char present[64];
        snprintf(present, sizeof present, "command -v %s >/dev/null", checkers[i][0]);
        if (system(present) != 0) {
            printf("\n    %s is not installed: not asked", checkers[i][0]);
            continue;
        }
        if (!run(checkers[i][1], path)) {
            fprintf(stderr, "%s refuses the zone file\n", checkers[i][0]);
            CU_FAIL("a zone file was refused by another server");
        }
    }
    remove_folder(folder);
}

static void others_read_the_records_that_were_written(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    if (system("command -v named-compilezone >/dev/null") == 0) {
        CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
        CU_ASSERT_TRUE(
            run("named-compilezone -i local -k ignore -s full -o $ZONE.again cluster.local $ZONE", path));
        struct bytes again = read_file(path_in(folder, "z.again"));
        /* every record in another server's own hand is a record of ours */
        struct zone *z = zone_of(NULL);
        struct zone_txn *t = zone_begin(z);
        char *rest = again.data, *line;
        unsigned missing = 0;
        CU_ASSERT_EQUAL(zone_remove(t, record_of(SOA_LINE)), ERR_OK);
        for (const char *const *l = all_kinds; *l != NULL; l++)
            CU_ASSERT_EQUAL(zone_add(t, record_of(*l)), ERR_OK);
        while ((line = strsep(&rest, "\n")) != NULL)
            if (*line != '\0')
                missing += zone_remove(t, record_of(line)) != ERR_OK;
        CU_ASSERT_EQUAL(missing, 0);
        CU_ASSERT_EQUAL(zone_commit(t), ERR_MALFORMED); /* nothing is left, not even the SOA */
        zone_free(z);
        bytes_free(&again);
    }
    remove_folder(folder);
}

static int stop_at_second(const struct rr *rr, void *ctx)
{
    (void)rr;
    return ++*(int *)ctx == 2 ? 7 : 0;
}

static void a_visit_can_stop_the_reading(void)
{
    char *folder = make_folder(), *path = path_in(folder, "z");
    int visits = 0;
    struct errtext e = {0};
    CU_ASSERT_EQUAL(write_zone(path, all_kinds, 0), ERR_OK);
    CU_ASSERT_EQUAL(zonefile_read(path, NULL, stop_at_second, &visits, &e), 7);
    CU_ASSERT_EQUAL(visits, 2);
    remove_folder(folder);
}

/* ---- names of files ---- */

static void a_zone_has_a_file_name_of_its_own(void)
{
    static const char *const cases[][2] = {
        {"Cluster.Local.", "/d/cluster.local.zone"},
        {".", "/d/root.zone"},
        {"root.", "/d/%72oot.zone"},
        {"10.in-addr.arpa.", "/d/10.in-addr.arpa.zone"},
        {"0/25.2.0.192.in-addr.arpa.", "/d/0%2F25.2.0.192.in-addr.arpa.zone"},
        {"a%b\\/c.", "/d/a%25b%2Fc.zone"},
        {"\\000.a\\.b.", "/d/\\000.a\\.b.zone"},
        {"a+b.", "/d/a%2Bb.zone"},
    };
    char out[4096];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(zonefile_path("/d", name_of(cases[i][0]), "", ".zone", out, sizeof out), ERR_OK);
        CU_ASSERT_STRING_EQUAL(out, cases[i][1]);
    }
    CU_ASSERT_EQUAL(zonefile_path("/d", name_of("a.b."), "external", ".zone", out, sizeof out), ERR_OK);
    CU_ASSERT_STRING_EQUAL(out, "/d/a.b+external.zone");
    CU_ASSERT_EQUAL(zonefile_path("/d", name_of("a."), "", ".journal", out, 13), ERR_OK);
    CU_ASSERT_EQUAL(zonefile_path("/d", name_of("a."), "", ".journal", out, 12), ERR_LIMIT);
    char text[300];
    memset(text, 'x', sizeof text);
    for (int i = 1; i < 5; i++)
        text[i * 50] = '.';
    text[245] = '\0';
    CU_ASSERT_EQUAL(zonefile_path("/d", name_of(text), "", ".zone", out, sizeof out), ERR_OK);
    text[245] = 'x';
    text[248] = '\0';
    CU_ASSERT_EQUAL(zonefile_path("/d", name_of(text), "", ".zone", out, sizeof out), ERR_LIMIT);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"what is written is read back", what_is_written_is_read_back},
        {"the header is read back", the_header_is_read_back},
        {"every line is a comment or has owner, TTL, class and type",
         every_line_is_a_comment_or_has_owner_ttl_class_and_type},
        {"other servers accept the file as it is", other_servers_accept_the_file_as_it_is},
        {"others read the records that were written", others_read_the_records_that_were_written},
        {"a visit can stop the reading", a_visit_can_stop_the_reading},
        {"a zone has a file name of its own", a_zone_has_a_file_name_of_its_own},
    };
    return run_suite("zone/zonefile", tests, sizeof tests / sizeof tests[0]);
}
