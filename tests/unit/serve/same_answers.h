/* Two answers as packets, compared record by record: the order of records and the compression of names do not
 * matter. Included after express_questions.h. */
#ifndef SEAMARK_TESTS_SAME_ANSWERS_H
#define SEAMARK_TESTS_SAME_ANSWERS_H

#define RECORDS_MAX 400

struct record {
    unsigned section;
    uint16_t type, class;
    uint32_t ttl;
    uint8_t owner[NAME_MAX_LEN];
    size_t len;
    uint8_t rdata[1000];
};

struct parsed {
    unsigned count;
    struct record records[RECORDS_MAX];
};

static int compare_records(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct record));
}

static bool parse(const struct packet *p, struct parsed *out)
{
    size_t at = DNS_HEADER_LEN + name_len(p->data + DNS_HEADER_LEN) + 4;
    memset(out, 0, sizeof *out);
    for (unsigned s = 0; s < 3; s++)
        for (unsigned left = wire_u16(p->data + 6 + 2 * s); left > 0; left--) {
            struct record *r = &out->records[out->count++];
            int used = name_unpack(p->data, p->len, at, r->owner);
            if (used < 0 || out->count == RECORDS_MAX || at + (size_t)used + 10 > p->len)
                return false;
            at += (size_t)used;
            r->section = s;
            r->type = wire_u16(p->data + at);
            r->class = wire_u16(p->data + at + 2);
            r->ttl = wire_u32(p->data + at + 4);
            uint16_t rdlen = wire_u16(p->data + at + 8);
            static uint8_t rdata[RDATA_MAX];
            int len = rdata_unpack(p->data, p->len, at + 10, rdlen, r->type, rdata);
            if (len < 0 || len > 1000)
                return false;
            r->len = (size_t)len;
            memcpy(r->rdata, rdata, r->len);
            at += 10u + rdlen;
        }
    qsort(out->records, out->count, sizeof out->records[0], compare_records);
    return at == p->len;
}

static bool same_answers(const struct packet *a, const struct packet *b)
{
    static struct parsed x, y;
    size_t question = name_len(a->data + DNS_HEADER_LEN) + 4;
    return memcmp(a->data, b->data, DNS_HEADER_LEN + question) == 0 && parse(a, &x) && parse(b, &y) &&
           x.count == y.count && memcmp(x.records, y.records, x.count * sizeof x.records[0]) == 0;
}

static void show(const char *what, const struct packet *p)
{
    fprintf(stderr, "%s", what);
    for (size_t i = 0; i < p->len; i++)
        fprintf(stderr, "%c%02x", i % 32 == 0 ? '\n' : ' ', p->data[i]);
    fprintf(stderr, "\n");
}

static inline void show_both(const struct packet *question, const struct packet *express,
                             const struct packet *chain)
{
    show("question", question);
    show("express", express);
    show("chain", chain);
}

#endif
