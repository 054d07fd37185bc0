#include "rewrite/rewrite_answer.h"

#include "../runner.h"
#include "base/cursor.h"
#include "dns/rr.h"
#include "rules.h"

static struct request r;
static struct reply reply;
static struct rewrite_work *work;

/* Takes a question through the rules. */
static enum rewrite_result ask(struct rewrite_list *list, const char *name, uint16_t qtype)
{
    uint8_t wire[NAME_MAX_LEN];
    if (name_from_text(name, strlen(name), wire) < 0)
        abort();
    r = (struct request){.reply = &reply, .transport = TRANSPORT_UDP};
    r.client.in.sin_family = r.local.in.sin_family = AF_INET;
    query_make(&r.q, wire, qtype);
    r.asked = &r.q;
    enum rewrite_result ret = rewrite_question(list, &r, &work);
    reply_begin(&reply, &r.q);
    return ret;
}

static bool asks_for(const char *name)
{
    char text[NAME_MAX_TEXT];
    return strcmp(name_to_text(r.q.lname, text), name) == 0;
}

static void add(enum reply_section s, const char *line)
{
    static struct rr_storage storage;
    struct rr rr;
    if (rr_from_text(line, strlen(line), &storage, &rr) != ERR_OK || reply_add(&reply, s, &rr) != ERR_OK)
        abort();
}

/* Record `i` as a line, with blanks for tabs. Valid until the next call. */
static const char *line_of(unsigned i)
{
    static struct bytes line;
    static uint8_t rdata[RDATA_MAX];
    uint8_t owner[NAME_MAX_LEN];
    if (i >= reply.nrecords)
        return "none";
    bytes_free(&line);
    bytes_init(&line, 70000);
    reply_owner(&reply, i, owner);
    int len = rdata_unpack(reply.wire, reply.len, reply.rr[i].rdata, reply_rdlen(&reply, i), reply.rr[i].type,
                           rdata);
    struct rr rr = {.owner = owner,
                    .type = reply.rr[i].type,
                    .class = CLASS_IN,
                    .ttl = reply_ttl(&reply, i),
                    .rdlen = (uint16_t)len,
                    .rdata = rdata};
    rr_to_text(&rr, &line);
    for (char *c = line.data; c != NULL && *c != '\0'; c++)
        if (*c == '\t')
            *c = ' ';
    return line.data;
}

static bool question_is(const char *name, uint16_t qtype)
{
    uint8_t wire[NAME_MAX_LEN], there[NAME_MAX_LEN];
    name_from_text(name, strlen(name), wire);
    int used = name_unpack(reply.wire, reply.len, DNS_HEADER_LEN, there);
    return used > 0 && memcmp(wire, there, name_len(wire)) == 0 &&
           wire_u16(reply.wire + DNS_HEADER_LEN + used) == qtype;
}

static void done(struct rewrite_list *list)
{
    rewrite_work_free(work);
    work = NULL;
    list_free(list);
}

static void test_every_name(void)
{
    struct rewrite_list list =
        list_of((const char *const[]){"name suffix .old.example .new.example answer auto", NULL});
    CU_ASSERT_EQUAL(ask(&list, "A.Old.Example.", RR_A), REWRITE_DONE);
    CU_ASSERT_TRUE(asks_for("a.new.example."));
    add(SECTION_ANSWER, "a.new.example. 60 IN SRV 1 2 3 b.new.example.");
    add(SECTION_ANSWER, "a.new.example. 60 IN MX 5 b.new.example.");
    add(SECTION_ANSWER, "a.new.example. 60 IN TXT \"b.new.example.\"");
    add(SECTION_ANSWER, "a.new.example. 60 IN NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" b.new.example.");
    add(SECTION_AUTHORITY, "x.new.example. 60 IN SOA ns.new.example. mail.new.example. 1 2 3 4 5");
    add(SECTION_AUTHORITY, "new.example. 60 IN NS NS.New.Example.");
    add(SECTION_ADDITIONAL, "b.new.example. 60 IN AAAA 2001:db8::1");
    reply.flags = FLAG_AA;
    rewrite_answer(work, &list, &r);
    CU_ASSERT_TRUE(question_is("A.Old.Example.", RR_A));
    CU_ASSERT_STRING_EQUAL(line_of(0), "A.Old.Example. 60 IN SRV 1 2 3 b.old.example.");
    CU_ASSERT_STRING_EQUAL(line_of(1), "A.Old.Example. 60 IN MX 5 b.old.example.");
    CU_ASSERT_STRING_EQUAL(line_of(2), "A.Old.Example. 60 IN TXT \"b.new.example.\"");
    CU_ASSERT_STRING_EQUAL(line_of(3),
                           "A.Old.Example. 60 IN NAPTR 1 2 \"s\" \"SIP+D2U\" \"\" b.old.example.");
    CU_ASSERT_STRING_EQUAL(line_of(4),
                           "x.old.example. 60 IN SOA ns.old.example. mail.new.example. 1 2 3 4 5");
    CU_ASSERT_STRING_EQUAL(line_of(5), "new.example. 60 IN NS NS.old.example.");
    CU_ASSERT_STRING_EQUAL(line_of(6), "b.old.example. 60 IN AAAA 2001:db8::1");
    CU_ASSERT_TRUE(reply.count[0] == 4 && reply.count[1] == 2 && reply.count[2] == 1);
    CU_ASSERT_TRUE(reply.flags == FLAG_AA && reply.q == r.asked);
    done(&list);
}

/* What is put back is the name as this rule found it, for names below it too, at the boundary of a label. */
static void test_put_back(void)
{
    struct rewrite_list list = list_of((const char *const[]){"continue name exact one.example two.example",
                                                             "name exact two.example three.example", NULL});
    CU_ASSERT_EQUAL(ask(&list, "one.example.", RR_A), REWRITE_DONE);
    CU_ASSERT_TRUE(asks_for("three.example."));
    add(SECTION_ANSWER, "three.example. 60 IN CNAME x.three.example.");
    add(SECTION_ANSWER, "xthree.example. 60 IN CNAME two.example.");
    rewrite_answer(work, &list, &r);
    CU_ASSERT_STRING_EQUAL(line_of(0), "one.example. 60 IN CNAME x.one.example.");
    CU_ASSERT_STRING_EQUAL(line_of(1), "xthree.example. 60 IN CNAME one.example.");
    done(&list);
}

static void test_in_place(void)
{
    struct rewrite_list list = list_of((const char *const[]){
        "continue type ANY A", "continue ttl regex .* 30-60", "continue rcode regex .* 3 0", NULL});
    CU_ASSERT_EQUAL(ask(&list, "x.example.", RR_ANY), REWRITE_DONE);
    CU_ASSERT_EQUAL(r.q.qtype, RR_A);
    add(SECTION_ANSWER, "x.example. 5 IN A 10.0.0.1");
    add(SECTION_ADDITIONAL, "x.example. 500 IN A 10.0.0.2");
    reply.rcode = RCODE_NXDOMAIN;
    rewrite_answer(work, &list, &r);
    CU_ASSERT_TRUE(question_is("x.example.", RR_ANY));
    CU_ASSERT_STRING_EQUAL(line_of(0), "x.example. 30 IN A 10.0.0.1");
    CU_ASSERT_STRING_EQUAL(line_of(1), "x.example. 60 IN A 10.0.0.2");
    CU_ASSERT_TRUE(reply.rcode == RCODE_NOERROR && r.disguised);
    done(&list);
}

static void test_untouched(void)
{
    struct rewrite_list list =
        list_of((const char *const[]){"name a.example b.example", "ttl c.example 5", "type MX A",
                                      "name regex ^(q)\\. {no/label}. metadata", NULL});
    CU_ASSERT_EQUAL(ask(&list, "d.example.", RR_A), REWRITE_UNTOUCHED);
    CU_ASSERT_PTR_NULL(work);
    CU_ASSERT_PTR_EQUAL(r.asked, &r.q);
    CU_ASSERT_EQUAL(ask(&list, "q.", RR_A), REWRITE_UNTOUCHED); /* a label without a value */
    done(&list);
}

static void test_bad_names(void)
{
    struct rewrite_list list =
        list_of((const char *const[]){"continue type A MX", "name regex ^(x+)\\.a {1}..b", NULL});
    CU_ASSERT_EQUAL(ask(&list, "xx.a.", RR_A), REWRITE_FAILED);
    CU_ASSERT_STRING_EQUAL(work->error.data, "invalid name after rewrite: xx..b.");
    CU_ASSERT_TRUE(asks_for("xx.a.") && r.q.qtype == RR_A && r.asked == &r.q);
    done(&list);
    /* 255 octets hold the name and not one more; put back, a name below it does not fit any more. */
    char line[600] = "name exact ", name[260] = "";
    for (int i = 0; i < 4; i++)
        memset(name + 62 * i, 'l', 61), name[62 * i + 61] = '.';
    snprintf(line + strlen(line), 500, "%s s.example", name);
    list = list_of((const char *const[]){line, NULL});
    CU_ASSERT_EQUAL(ask(&list, name, RR_A), REWRITE_DONE);
    CU_ASSERT_TRUE(asks_for("s.example."));
    add(SECTION_ANSWER, "s.example. 5 IN CNAME abcdefgh.s.example.");
    rewrite_answer(work, &list, &r);
    CU_ASSERT_TRUE(reply.rcode == RCODE_SERVFAIL && reply.nrecords == 0 && question_is(name, RR_A));
    CU_ASSERT_STRING_EQUAL(r.error_text, "invalid name in the answer after rewrite");
    done(&list);
}

/* An answer of 64 KiB whose names no longer fit as they are changed is cut and says so. */
static void test_overflow(void)
{
    struct rewrite_list list = list_of((const char *const[]){
        "name suffix .b .a answer name (.*)\\.a\\. {1}-which-is-much-longer-than-it-was-before.a.", NULL});
    char line[64];
    CU_ASSERT_EQUAL(ask(&list, "x.b.", RR_A), REWRITE_DONE);
    for (int i = 0; i < 2500; i++) {
        snprintf(line, sizeof line, "n%04d.a. 5 IN A 10.0.0.1", i);
        add(SECTION_ANSWER, line);
    }
    CU_ASSERT_FALSE(reply.overflow);
    rewrite_answer(work, &list, &r);
    reply_finish(&reply, 65535);
    CU_ASSERT_TRUE(reply.flags & FLAG_TC);
    CU_ASSERT_TRUE(reply.len <= 65535 && reply.nrecords > 0);
    done(&list);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"every name of an answer is changed, and no text", test_every_name},
        {"what a rule found is put back, the last rule first", test_put_back},
        {"without names the answer stays where it is", test_in_place},
        {"a question that no rule is for is left alone", test_untouched},
        {"what is no name is a failure with the question as it was", test_bad_names},
        {"an answer that grows too large is cut", test_overflow},
    };
    return run_suite("rewrite_answer", tests, sizeof tests / sizeof tests[0]);
}
