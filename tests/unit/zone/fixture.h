/* What the tests of zones share: records from lines, zones from lines, a folder for files, whole files in
 * memory. */
#ifndef SEAMARK_TESTS_ZONE_FIXTURE_H
#define SEAMARK_TESTS_ZONE_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runner.h"
#include "base/err.h"
#include "base/fsio.h"
#include "base/rcu.h"
#include "zone/zone.h"

#define SOA_LINE                                                                                             \
    "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 100 7200 1800 86400 30"

static inline const uint8_t *name_of(const char *text)
{
    static uint8_t buffers[4][NAME_MAX_LEN];
    static unsigned next;
    uint8_t *out = buffers[next++ % 4];
    if (name_from_text(text, strlen(text), out) < 0)
        CU_FAIL_FATAL("a name of the test is malformed");
    return out;
}

/* Valid until the next call. */
static inline const struct rr *record_of(const char *line)
{
    static struct rr_storage storage;
    static struct rr rr;
    if (rr_from_text(line, strlen(line), &storage, &rr) != ERR_OK) {
        fprintf(stderr, "%s\n", line);
        CU_FAIL_FATAL("a record of the test is malformed");
    }
    return &rr;
}

static inline const struct node *find(const struct zone *z, const char *text)
{
    uint8_t lname[NAME_MAX_LEN];
    size_t len = name_lower(lname, name_of(text));
    return zone_find(zone_current(z), lname, len, name_hash(lname, len));
}

/* cluster.local. with its SOA at serial 100 and these lines, up to a NULL. */
static inline struct zone *zone_of(const char *const *lines)
{
    struct zone *z = zone_new(name_of("Cluster.Local."));
    struct zone_txn *t = zone_begin(z);
    CU_ASSERT_EQUAL(zone_add(t, record_of(SOA_LINE)), ERR_OK);
    for (; lines != NULL && *lines != NULL; lines++)
        CU_ASSERT_EQUAL(zone_add(t, record_of(*lines)), ERR_OK);
    CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
    return z;
}

struct dump {
    char **lines;
    size_t count;
};

static inline int dump_node(const struct node *n, void *ctx)
{
    struct dump *d = ctx;
    struct bytes out;
    bytes_init(&out, 1 << 20);
    for (unsigned i = 0; i < node_rrset_count(n); i++) {
        struct rrset set;
        node_rrset_at(n, i, &set);
        const uint8_t *at = set.data;
        for (unsigned j = 0; j < set.count; j++) {
            struct rr rr = {.owner = node_name(n), .type = set.type, .class = CLASS_IN, .ttl = set.ttl};
            rr.rdlen = (uint16_t)(at[0] << 8 | at[1]);
            rr.rdata = at + 2;
            at += 2u + rr.rdlen;
            bytes_reset(&out);
            if (rr_to_text(&rr, &out) != ERR_OK)
                CU_FAIL("a record of the zone has no text");
            d->lines = realloc(d->lines, (d->count + 1) * sizeof *d->lines);
            d->lines[d->count++] = strdup(out.data);
        }
        CU_ASSERT_EQUAL(at, set.data + set.data_len);
    }
    bytes_free(&out);
    return 0;
}

static inline int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All records of the zone as sorted lines, one text; free it. */
static inline char *dump_of(const struct zone *z)
{
    struct dump d = {0};
    struct bytes out;
    bytes_init(&out, 256 << 20);
    zone_walk(zone_current(z), dump_node, &d);
    if (d.count > 0)
        qsort(d.lines, d.count, sizeof *d.lines, compare_lines);
    bytes_append_str(&out, "");
    for (size_t i = 0; i < d.count; i++) {
        bytes_printf(&out, "%s\n", d.lines[i]);
        free(d.lines[i]);
    }
    free(d.lines);
    return out.data;
}

/* A fresh folder; remove_folder() takes it away with the files in it. */
static inline char *make_folder(void)
{
    char *folder = strdup("/tmp/seamark-test.XXXXXX");
    if (mkdtemp(folder) == NULL)
        CU_FAIL_FATAL("no temporary folder");
    return folder;
}

static inline unsigned count_files(const char *folder)
{
    unsigned count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;)
        count += entry->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return count;
}

static inline void remove_folder(char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(d), entry->d_name, 0);
    if (d != NULL)
        closedir(d);
    rmdir(folder);
    free(folder);
}

static inline char *path_in(const char *folder, const char *file)
{
    static char paths[4][4096];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof paths[0], "%s/%s", folder, file);
    return out;
}

static inline void write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || fsio_write_all(fd, data, len) != ERR_OK)
        CU_FAIL_FATAL("a file of the test cannot be written");
    close(fd);
}

static inline struct bytes read_file(const char *path)
{
    struct bytes out;
    bytes_init(&out, 256 << 20);
    if (fsio_read(path, &out) != ERR_OK)
        CU_FAIL_FATAL("a file of the test cannot be read");
    return out;
}

#endif
