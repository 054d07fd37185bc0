/* A cache's file from disk: no octet of it may do more than be refused. The checksums are made right first,
 * since whoever can write the file can write them too; what is not changed by that is damage of the lengths.
 */
#include <stdlib.h>

/* The fuzzing library has no server sources; these need none of the others. */
#include "../../src/cache/answer_class.c"
#include "../../src/cache/cache_file.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool each(void *ctx, const struct cache_saved *s, struct reply *r)
{
    struct answer_facts facts;
    unsigned *count = ctx;
    (void)s;
    answer_classify(r, 1700000000, &facts);
    for (unsigned i = 0; i < r->nrecords; i++)
        reply_set_ttl(r, i, 5);
    if (r->len > REPLY_CAP || r->q->qname_len == 0)
        abort();
    return ++*count < 1000;
}

static void make_right(uint8_t *file, size_t len)
{
    if (len < HEAD_LEN)
        return;
    memcpy(file, MAGIC, MAGIC_LEN);
    put_u64(file + MAGIC_LEN, 1);
    wire_put_u32(file + HEAD_LEN - 4, checksum(file, HEAD_LEN - 4));
    for (size_t at = HEAD_LEN; len - at >= FRAME_LEN;) {
        size_t entry = wire_u32(file + at);
        if (entry > len - at - FRAME_LEN)
            return;
        wire_put_u32(file + at + 4, checksum(file + at + FRAME_LEN, entry));
        at += FRAME_LEN + entry;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cache_file_result result;
    unsigned count = 0;
    if (len == 0)
        return 0;
    uint8_t *file = malloc(len);
    if (file == NULL)
        return 0;
    memcpy(file, data, len);
    make_right(file, len);
    FILE *f = fmemopen(file, len, "r");
    if (f != NULL) {
        cache_file_read(f, 1, 1700000000000, each, &count, &result);
        fclose(f);
    }
    free(file);
    return 0;
}
