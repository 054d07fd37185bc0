/* A journal: as it is, or (where it begins with '!') transactions, divided by octets of 0, that get right
 * commit lines. */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "zone/journal_p.h"
#include "zone_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t apex[] = "\7cluster\5local";

static struct zone *first_zone(void)
{
    static const char *const lines[] = {"cluster.local. 30 IN SOA a. b. 100 2 3 4 5",
                                        "web.default.svc.cluster.local. 30 IN A 10.96.1.1"};
    static struct rr_storage storage;
    struct zone *z = zone_new(apex);
    struct zone_txn *t = zone_begin(z);
    struct rr rr;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (rr_from_text(lines[i], strlen(lines[i]), &storage, &rr) != ERR_OK || zone_add(t, &rr) != ERR_OK)
            abort();
    if (zone_commit(t) != ERR_OK)
        abort();
    return z;
}

static void add_transaction(struct bytes *file, const char *text, size_t len, uint32_t serial)
{
    size_t start = file->len;
    bytes_append(file, text, len);
    bytes_printf(file, "%s= %" PRIu32 " now crc32 ", len > 0 && text[len - 1] != '\n' ? "\n" : "", serial);
    uLong crc =
        crc32(journal_crc_begin(serial - 1), (const Bytef *)file->data + start, (uInt)(file->len - start));
    bytes_printf(file, "%08lx\n", crc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes file;
    char path[64];
    bytes_init(&file, 16 << 20);
    if (size > 0 && data[0] == '!') {
        bytes_append_str(&file, "; seamark journal 1\n; zone: cluster.local.\n; base: 100\n");
        uint32_t serial = 100;
        for (size_t at = 1; at < size;) {
            const uint8_t *end = memchr(data + at, 0, size - at);
            size_t len = end == NULL ? size - at : (size_t)(end - data) - at;
            add_transaction(&file, (const char *)data + at, len, ++serial);
            at += len + 1;
        }
    } else {
        bytes_append(&file, data, size);
    }
    int fd = file_in_memory(file.data, file.len, path);
    struct zone *z = first_zone();
    struct journal_reader *r;
    struct errtext e = {0};
    if (journal_follow(path, apex, &r, &e) == ERR_OK) {
        int ret = journal_apply(r, z, &e);
        const struct zone_version *version = zone_current(z);
        /* damage is damage the second time too, and nothing of it is ever seen */
        if (ret < 0 ? e.text[0] == '\0' || journal_apply(r, z, NULL) >= 0 : journal_apply(r, z, NULL) != 0)
            abort();
        if (zone_current(z) != version)
            abort();
        check_zone(z);
        journal_unfollow(r);
    } else if (e.text[0] == '\0') {
        abort();
    }
    zone_free(z);
    close(fd);
    bytes_free(&file);
    settle();
    return 0;
}
