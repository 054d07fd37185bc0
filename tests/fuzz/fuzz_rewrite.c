/*
 * Rules, a question and an answer in any state: rules are refused or do their work, and what comes out is a
 * message that can be read, with the question that was asked. Input: rules a line, NUL, the name in text,
 * NUL, the answer in wire form.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "dns/rr.h"
#include "rewrite/rewrite_answer.h"
#include "serve/metadata.h"

#define RULES_MAX 8
#define WORDS_MAX 16

/* The server's part, of which the fuzzing library has nothing. */
bool metadata_is_label(const char *text)
{
    return strchr(text, '/') != NULL;
}

int metadata_value(const struct request *r, const char *label, char *out, size_t cap)
{
    (void)r;
    size_t len = strlen(label) < cap ? strlen(label) : cap;
    memcpy(out, label, len);
    return (int)len;
}

union address request_local(const struct request *r)
{
    return r->local;
}

uint16_t address_port(const union address *a)
{
    return a->in.sin_port;
}

static void read_rules(char *text, struct rewrite_list *list)
{
    char *line;
    while (list->count < RULES_MAX && (line = strsep(&text, "\n")) != NULL) {
        const char *words[WORDS_MAX];
        size_t count = 0;
        char *word;
        while (count < WORDS_MAX && (word = strsep(&line, " ")) != NULL)
            words[count++] = word;
        struct errtext e = {0};
        int ret = rewrite_rule_read(words, count, &list->rules[list->count], &e);
        if ((ret == ERR_OK) != (e.text[0] == '\0'))
            abort();
        list->count += ret == ERR_OK;
    }
}

/* The question as it was asked, and records that can be read. */
static void check(const struct reply *reply, const struct query *asked)
{
    static struct reply copy;
    uint8_t name[NAME_MAX_LEN];
    if (name_unpack(reply->wire, reply->len, DNS_HEADER_LEN, name) < 0 || !name_equal(name, asked->qname))
        abort();
    const uint8_t *fixed = reply->wire + DNS_HEADER_LEN + asked->qname_len;
    if (wire_u16(fixed) != asked->qtype || wire_u16(fixed + 2) != asked->qclass)
        abort();
    reply_begin(&copy, asked);
    if (reply_copy(&copy, reply->wire, reply->len, SECTION_ANSWER, SECTION_ADDITIONAL) == ERR_MALFORMED)
        abort();
}

static void run(struct rewrite_list *list, const uint8_t *name, const uint8_t *message, size_t len)
{
    static struct reply reply;
    static const uint8_t options[] = {0xff, 0xee, 0, 2, 'a', 'b', 0, 3, 0, 0};
    struct request r = {.reply = &reply, .transport = TRANSPORT_UDP};
    struct rewrite_work *work;
    query_make(&r.q, name, RR_A);
    r.asked = &r.q;
    r.client.in.sin_family = r.local.in.sin_family = AF_INET;
    r.q.has_edns = len % 2 == 0;
    r.q.client_options = options;
    r.q.client_options_len = r.q.has_edns ? sizeof options : 0;
    struct query before = r.q;
    enum rewrite_result result = rewrite_question(list, &r, &work);
    if (result == REWRITE_DONE) {
        reply_begin(&reply, &r.q);
        reply_copy(&reply, message, len, SECTION_ANSWER, SECTION_ADDITIONAL);
        rewrite_answer(work, list, &r);
        reply_finish(&reply, 65535);
        check(&reply, &before);
    } else if (memcmp(&r.q.qname, &before.qname, before.qname_len) != 0) {
        abort();
    }
    rewrite_work_free(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rewrite_list list = {.rules = calloc(RULES_MAX, sizeof *list.rules)};
    char *text = malloc(len + 1);
    uint8_t name[NAME_MAX_LEN];
    if (text == NULL || list.rules == NULL)
        abort();
    memcpy(text, data, len);
    text[len] = '\0';
    const char *second = memchr(text, '\0', len), *third = NULL;
    if (second != NULL)
        third = memchr(second + 1, '\0', len - (size_t)(second + 1 - text));
    read_rules(text, &list);
    if (third != NULL && name_from_text(second + 1, (size_t)(third - second - 1), name) > 0)
        run(&list, name, data + (third + 1 - text), len - (size_t)(third + 1 - text));
    for (size_t i = 0; i < list.count; i++)
        rewrite_rule_free(&list.rules[i]);
    free(list.rules);
    free(text);
    return 0;
}
