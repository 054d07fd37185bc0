/*
 * A zone as a set of lines, changed by what publish_changes.h gives: adding what is there or removing what is
 * not is a failure. For comparing increments with a whole rendering. Header only.
 */
#ifndef SEAMARK_TESTS_IMAGE_H
#define SEAMARK_TESTS_IMAGE_H

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/publish_changes.h"
#include "sync/records_stream.h"

#define IMAGE_ZONES 8

struct image {
    void *lines[IMAGE_ZONES]; /* trees of tsearch() */
    size_t count[IMAGE_ZONES];
    bool wrong; /* a change that does not fit */
};

static inline int image_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static inline char *image_line(const struct rr *rr)
{
    struct bytes line;
    bytes_init(&line, 1 << 20);
    if (rr_to_text(rr, &line) != ERR_OK)
        abort();
    return line.data;
}

static inline void image_change(void *ctx, size_t zone, char op, const struct rr *rr)
{
    struct image *image = ctx;
    char *line = image_line(rr);
    void *found = tfind(line, &image->lines[zone], image_compare);
    if ((op == '+') == (found != NULL)) {
        fprintf(stderr, "\n%c %s: %s\n", op, line, found != NULL ? "is there" : "is not there");
        image->wrong = true;
        free(line);
    } else if (op == '+') {
        if (tsearch(line, &image->lines[zone], image_compare) == NULL)
            abort();
        image->count[zone]++;
    } else {
        char *kept = *(char **)found;
        tdelete(line, &image->lines[zone], image_compare);
        free(kept);
        free(line);
        image->count[zone]--;
    }
}

/* Everything that the stream gives, without SOA, as if it had been added. */
static inline void image_fill(struct image *image, const struct record_rules *rules,
                              const struct store *store)
{
    for (size_t zone = 0; zone < rules->nzones; zone++) {
        struct record_stream *stream = record_stream_open(rules, &rules->zones[zone], store, 1);
        struct rr rr;
        int ret = -1;
        while (stream != NULL && (ret = record_stream_next(stream, &rr)) == 1)
            if (rr.type != RR_SOA)
                image_change(image, zone, '+', &rr);
        if (ret != 0)
            abort();
        record_stream_close(stream);
    }
}

/* True where the store's records are the image's; says what differs. */
static inline bool image_equals(const struct image *image, const struct record_rules *rules,
                                const struct store *store)
{
    bool equal = !image->wrong;
    for (size_t zone = 0; zone < rules->nzones; zone++) {
        struct record_stream *stream = record_stream_open(rules, &rules->zones[zone], store, 1);
        struct rr rr;
        size_t count = 0;
        while (stream != NULL && record_stream_next(stream, &rr) == 1) {
            if (rr.type == RR_SOA)
                continue;
            char *line = image_line(&rr);
            count++;
            if (tfind(line, &image->lines[zone], image_compare) == NULL) {
                fprintf(stderr, "\nmissing: %s\n", line);
                equal = false;
            }
            free(line);
        }
        record_stream_close(stream);
        if (count != image->count[zone]) {
            fprintf(stderr, "\nzone %zu: %zu records, expected %zu\n", zone, image->count[zone], count);
            equal = false;
        }
    }
    return equal;
}

static inline void image_free(struct image *image)
{
    for (size_t zone = 0; zone < IMAGE_ZONES; zone++)
        tdestroy(image->lines[zone], free);
    *image = (struct image){0};
}

#endif
