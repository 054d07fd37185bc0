/* Setting up `template`. What it answers is asked of a running server: tests/integration/test_template.py. */
#include "../runner.h"
#include "fake_serve.h"

extern const struct plugin plugin_template;

/* Nothing is asked here. */

int request_ask_self(struct request *parent, const uint8_t *name, uint16_t qtype, request_done *done,
                     void *ctx)
{
    (void)parent, (void)name, (void)qtype, (void)done, (void)ctx;
    return ERR_LIMIT;
}

struct reply *request_reply(struct request *r)
{
    return r->reply;
}

void request_resume(struct request *r, int verdict)
{
    (void)r, (void)verdict;
}

static void expect_error(const char *directive, const char *error)
{
    const char *is = fake_error(&plugin_template, directive);
    CU_ASSERT_STRING_EQUAL(is, error);
    if (strcmp(is, error) != 0)
        fprintf(stderr, "\n%s\n  is        %s\n  should be %s\n", directive, is, error);
}

static void test_errors(void)
{
    static const char *const cases[][2] = {
        {"template", "2 - plugin/template: Wrong argument count or unexpected line ending after 'template'"},
        {"template IN", "2 - plugin/template: Wrong argument count or unexpected line ending after 'IN'"},
        {"template XX ANY", "2 - plugin/template: invalid query class XX"},
        {"template in ANY", "2 - plugin/template: invalid query class in"},
        {"template IN NOPE", "2 - plugin/template: invalid RR class NOPE"},
        {"template IN a", "2 - plugin/template: invalid RR class a"},
        {"template IN TYPE1", "2 - plugin/template: invalid RR class TYPE1"},
        {"template IN A {\nmatch\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'match'"},
        {"template IN A {\nmatch (?P<x\n}",
         "3 - plugin/template: could not parse regex: (?P<x, error parsing "
         "regexp: invalid named capture: `(?P<x`"},
        {"template IN A {\nanswer\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'answer'"},
        {"template IN A {\nanswer \"{{ .Name \"\n}",
         "3 - plugin/template: could not compile template: {{ .Name , template: answer:1: unclosed action"},
        {"template IN A {\nadditional \"{{ nope }}\"\n}",
         "3 - plugin/template: could not compile template: {{ nope }}, template: additional:1: function "
         "\"nope\" not defined"},
        {"template IN A {\nauthority \"{{ end }}\"\n}",
         "3 - plugin/template: could not compile template: {{ end }}, template: authority:1: unexpected "
         "{{end}}"},
        {"template IN A {\nrcode\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'rcode'"},
        {"template IN A {\nrcode NOPE\n}", "3 - plugin/template: unknown rcode NOPE"},
        {"template IN A {\nrcode RCODE12\n}", "3 - plugin/template: unknown rcode RCODE12"},
        {"template IN A {\nrcode NXDOMAIN REFUSED\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'REFUSED'"},
        {"template IN A {\nederror\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'ederror'"},
        {"template IN A {\nederror x\n}",
         "3 - plugin/template: error parsing extended DNS error code x, strconv.ParseUint: parsing \"x\": "
         "invalid syntax"},
        {"template IN A {\nederror 65536 why\n}",
         "3 - plugin/template: error parsing extended DNS error code why, strconv.ParseUint: parsing "
         "\"65536\": value out of range"},
        {"template IN A {\nederror 1 2 3\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after '3'"},
        {"template IN A {\nnope\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'nope'"},
        {"template IN A {\nexpr\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'expr'"},
        {"template IN A {\nexpr foo()\n}",
         "3 - plugin/template: could not compile expression: unknown name foo (1:1)"},
        {"template IN A {\nvar x\n}",
         "3 - plugin/template: Wrong argument count or unexpected line ending after 'x'"},
        {"template IN A {\nvar 1x 1\n}", "3 - plugin/template: invalid variable name \"1x\""},
        {"template IN A {\nvar len 1\n}", "3 - plugin/template: variable name \"len\" is reserved"},
        {"template IN A {\nvar x 1\nvar x 2\n}", "4 - plugin/template: variable name \"x\" is reserved"},
        {"template IN A {\nvar x 1 + 'a'\n}", "3 - plugin/template: could not compile expression: x, invalid "
                                              "operation: + (mismatched types int and string) (1:3)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char error[512];
        snprintf(error, sizeof error, "Corefile:%s", cases[i][1]);
        expect_error(cases[i][0], error);
    }
}

static void test_what_is_good(void)
{
    static const char *const cases[] = {
        "template IN A",
        "template ANY ANY {\n}",
        "template CH TXT bind {\nrcode NOTIMPL\n}",
        "template IN A example.org 10.0.0.0/8 {\nmatch a b (?P<c>c) (?<d>d)\nupstream "
        "10.0.0.1\nfallthrough\n}",
        "template IN A {\nanswer \"{{ .Name }} A 10.0.0.1\" \"b A 10.0.0.2\"\nederror 0\nfallthrough a b\n}",
        "template IN A {\nvar x group('a') + 'b'\nvar y x + x\nexpr y == x or incidr(client_ip(), "
        "'10.0.0.0/8')\n}",
        "template IN A {\nrcode BADSIG\nederror 65535 \"why not\"\n}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(cases[i], "");
}

static const struct unit_test tests[] = {
    {"what does not read is an error with file and line, in CoreDNS's words", test_errors},
    {"what CoreDNS takes is taken", test_what_is_good},
};

int main(void)
{
    return run_suite("template", tests, sizeof tests / sizeof *tests);
}
