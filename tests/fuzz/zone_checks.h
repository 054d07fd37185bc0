/* What the fuzz targets of zone files and journals share: files in memory, and what holds of every zone. */
#ifndef SEAMARK_TESTS_FUZZ_ZONE_CHECKS_H
#define SEAMARK_TESTS_FUZZ_ZONE_CHECKS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fsio.h"
#include "base/rcu.h"
#include "zone/zone.h"

/* A file with these octets; `path` leads to it as long as the descriptor is open. */
static inline int file_in_memory(const void *data, size_t len, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || fsio_write_all(fd, data, len) != ERR_OK)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

struct zone_sum {
    const struct zone_version *version;
    const uint8_t *apex;
    uint64_t records;
};

/* Every node but the apex has a parent, and none is there for nothing. */
static inline int sum_node(const struct node *n, void *ctx)
{
    struct zone_sum *sum = ctx;
    const uint8_t *name = node_name(n);
    size_t len = name_len(name);
    for (unsigned i = 0; i < node_rrset_count(n); i++) {
        struct rrset set;
        node_rrset_at(n, i, &set);
        if (set.count == 0)
            abort();
        sum->records += set.count;
    }
    if (zone_find(sum->version, name, len, name_hash(name, len)) != n)
        abort();
    if (name_equal(name, sum->apex))
        return 0;
    len -= 1u + *name;
    name += 1u + *name;
    if (!name_in(name, sum->apex) || zone_find(sum->version, name, len, name_hash(name, len)) == NULL)
        abort();
    return 0;
}

static inline void check_zone(const struct zone *z)
{
    struct zone_sum sum = {.version = zone_current(z), .apex = zone_apex(z)};
    zone_walk(sum.version, sum_node, &sum);
    if (sum.records != zone_record_count(sum.version))
        abort();
}

/* Frees what transactions have left, now and then, so that memory stays bounded. */
static inline void settle(void)
{
    static unsigned runs;
    if (++runs % 256 == 0)
        rcu_drain();
}

#endif
