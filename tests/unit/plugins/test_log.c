#include "fake_serve.h"

#include "fake_lines.h"

#include "../runner.h"

extern const struct plugin plugin_log;

static struct fake_stage *set_up(const char *lines)
{
    char text[1024];
    snprintf(text, sizeof text, ". {\n%s\n}\n", lines);
    struct fake_stage *f = fake_setup(&plugin_log, text);
    if (f->ret != ERR_OK)
        fprintf(stderr, "%s\n", f->e.text);
    CU_ASSERT_EQUAL_FATAL(f->ret, ERR_OK);
    return f;
}

/* The line for a question whose answer has this rcode and record ("" none; a SOA goes to the authority
 * section). */
static const char *answer(struct fake_stage *f, const char *name, uint16_t rcode, const char *record)
{
    struct request *r = fake_request(name, RR_A);
    r->reply->rcode = rcode;
    if (record[0] != '\0')
        fake_add(r, strstr(record, " SOA ") != NULL ? SECTION_AUTHORITY : SECTION_ANSWER, record);
    plugin_log.answer(f->state, r);
    return fake_lines_take();
}

static const char soa[] = "org. 5 IN SOA ns.org. host.org. 1 2 3 4 5";

static void test_default(void)
{
    struct fake_stage *f = set_up("log");
    const char *line = answer(f, "a.org", RCODE_NOERROR, "a.org. 5 IN A 10.0.0.1");
    CU_ASSERT_EQUAL(strncmp(line, "[INFO] 10.240.0.1:40212 - ", 26), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "\"A IN a.org. udp 23 false 512\" NOERROR qr,rd 44 "));
    CU_ASSERT_STRING_EQUAL(line + strlen(line) - 2, "s\n");
    fake_free(&plugin_log, f);
}

static void test_names(void)
{
    struct fake_stage *f = set_up("log example.org {name}\nlog org example.com \"{name} other\"");
    CU_ASSERT_STRING_EQUAL(answer(f, "a.Example.org", 0, ""), "[INFO] a.example.org.\n");
    CU_ASSERT_STRING_EQUAL(answer(f, "b.org", 0, ""), "[INFO] b.org. other\n");
    CU_ASSERT_STRING_EQUAL(answer(f, "example.com", 0, ""), "[INFO] example.com. other\n");
    CU_ASSERT_STRING_EQUAL(answer(f, "badexample.com", 0, ""), "");
    fake_free(&plugin_log, f);
    f = set_up("log {name}");
    CU_ASSERT_STRING_EQUAL(answer(f, "anything", 0, ""), "[INFO] anything.\n");
    fake_free(&plugin_log, f);
}

static void test_classes(void)
{
    static const struct {
        const char *directive;
        bool success, denial, error;
    } cases[] = {
        {"log . {rcode} {\nclass success\n}", true, false, false},
        {"log . {rcode} {\nclass denial\n}", false, true, false},
        {"log . {rcode} {\nclass error\n}", false, false, true},
        {"log . {rcode} {\nclass denial error\n}", false, true, true},
        {"log . {rcode} {\nclass denial\nclass error\n}", false, true, true},
        {"log . {rcode} {\nclass all\n}", true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_stage *f = set_up(cases[i].directive);
        CU_ASSERT_EQUAL(answer(f, "a.org", RCODE_NOERROR, "a.org. 5 IN A 10.0.0.1")[0] != '\0',
                        cases[i].success);
        CU_ASSERT_EQUAL(answer(f, "a.org", RCODE_NOERROR, soa)[0] != '\0', cases[i].denial);
        CU_ASSERT_EQUAL(answer(f, "a.org", RCODE_NXDOMAIN, soa)[0] != '\0', cases[i].denial);
        CU_ASSERT_EQUAL(answer(f, "a.org", RCODE_SERVFAIL, "")[0] != '\0', cases[i].error);
        CU_ASSERT_EQUAL(answer(f, "a.org", RCODE_REFUSED, "")[0] != '\0', cases[i].error);
        fake_free(&plugin_log, f);
    }
}

/* Several lines of a block are one list, which is the first line's. */
static void test_one_list(void)
{
    struct fake_stage *f = fake_setup(&plugin_log, ". {\nlog a.org {name}\nlog . {name}\n}\n");
    plugin_log.answer(f->state, fake_request("a.org", RR_A));
    plugin_log.answer(f->state, fake_request("b.org", RR_A));
    CU_ASSERT_STRING_EQUAL(fake_lines_take(), "[INFO] a.org.\n[INFO] b.org.\n");
    fake_free(&plugin_log, f);
}

static void test_errors(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_log, "log {\nclass\n}"), "Corefile:3 - plugin/log: "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_error(&plugin_log, "log {\nclass good\n}"), "Corefile:3 - plugin/log: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_log, "log {\nlevel x\n}"), "Corefile:3 - plugin/log: "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_error(&plugin_log, "log bad..name {name}"), "Corefile:2 - plugin/log: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"log alone writes CoreDNS's line for every query", test_default},
        {"the first line with the name decides", test_names},
        {"class chooses by the kind of answer", test_classes},
        {"several lines of a block write one line a query", test_one_list},
        {"unknown options, classes and broken names are errors that name their line", test_errors},
    };
    int status = run_suite("log", tests, sizeof tests / sizeof tests[0]);
    fake_lines_take();
    fake_lines_take();
    return status;
}
