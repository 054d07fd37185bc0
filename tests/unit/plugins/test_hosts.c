#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_serve.h"

#include "base/rcu.h"
#include "metrics/metrics.h"
#include "serve/express_plan.h"

#include "../runner.h"

extern const struct plugin plugin_hosts;

static char folder[] = "/tmp/seamark-hosts-XXXXXX";
static char path[64];

static void write_file(const char *text)
{
    char fresh[80];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *f = fopen(fresh, "w");
    fputs(text, f);
    fclose(f);
    rename(fresh, path);
}

/* `options` with "FILE" as the file. */
static struct fake_stage *start(const char *options)
{
    char text[2048];
    const char *file = strstr(options, "FILE");
    if (file != NULL)
        snprintf(text, sizeof text, "example.org {\n%.*s%s%s\n}\n", (int)(file - options), options, path,
                 file + 4);
    else
        snprintf(text, sizeof text, "example.org {\n%s\n}\n", options);
    struct fake_stage *f = fake_setup(&plugin_hosts, text);
    if (f->ret != ERR_OK)
        fprintf(stderr, "%s\n", f->e.text);
    CU_ASSERT_EQUAL_FATAL(f->ret, ERR_OK);
    CU_ASSERT_EQUAL_FATAL(plugin_hosts.start(f->state, &f->e), ERR_OK);
    return f;
}

static void stop(struct fake_stage *f)
{
    plugin_hosts.stop(f->state);
    fake_free(&plugin_hosts, f);
}

/* "NEXT", or the rcode and the answers: "0 10.0.0.1 10.0.0.2". */
static const char *ask(struct fake_stage *f, const char *name, uint16_t type)
{
    static char out[1024];
    struct request *r = fake_request(name, type);
    if (plugin_hosts.query(f->state, r) == VERDICT_NEXT)
        return "NEXT";
    int len =
        snprintf(out, sizeof out, "%u%s", r->reply->rcode, (r->reply->flags & FLAG_AA) != 0 ? " aa" : "");
    for (unsigned i = 0; i < r->reply->nrecords; i++) {
        const char *line = fake_record(r, i);
        len += snprintf(out + len, sizeof out - (size_t)len, " %s", strrchr(line, ' ') + 1);
    }
    return out;
}

static void test_answers(void)
{
    write_file("10.0.0.1 a.example.org other.com\n::1 a.example.org\n10.0.0.7 *.w.example.org\n");
    struct fake_stage *f = start("hosts FILE {\n10.0.0.2 a.example.org inline.example.org\nttl 60\n}");
    CU_ASSERT_STRING_EQUAL(ask(f, "A.example.org", RR_A), "0 aa 10.0.0.1 10.0.0.2");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_AAAA), "0 aa ::1");
    CU_ASSERT_STRING_EQUAL(ask(f, "x.w.example.org", RR_A), "0 aa 10.0.0.7");
    CU_ASSERT_STRING_EQUAL(ask(f, "inline.example.org", RR_AAAA), "0 aa");
    CU_ASSERT_STRING_EQUAL(ask(f, "inline.example.org", RR_MX), "0 aa");
    CU_ASSERT_STRING_EQUAL(ask(f, "none.example.org", RR_A), "2");
    CU_ASSERT_STRING_EQUAL(ask(f, "none.example.org", RR_TXT), "2");
    CU_ASSERT_STRING_EQUAL(ask(f, "other.com", RR_A), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, "2.0.0.10.in-addr.arpa", RR_PTR),
                           "0 aa a.example.org. inline.example.org.");
    CU_ASSERT_STRING_EQUAL(ask(f, "9.0.0.10.in-addr.arpa", RR_PTR), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_PTR), "NEXT");
    struct request *r = fake_request("a.EXAMPLE.org", RR_A);
    plugin_hosts.query(f->state, r);
    CU_ASSERT_STRING_EQUAL(fake_record(r, 0), "a.EXAMPLE.org. 60 IN A 10.0.0.1");
    stop(f);
}

static void test_fallthrough(void)
{
    write_file("10.0.0.1 a.example.org\n");
    struct fake_stage *f = start("hosts FILE {\nfallthrough sub.example.org\n}");
    CU_ASSERT_STRING_EQUAL(ask(f, "x.sub.example.org", RR_A), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, "x.example.org", RR_A), "2");
    stop(f);
    f = start("hosts FILE {\nfallthrough\n}");
    CU_ASSERT_STRING_EQUAL(ask(f, "x.example.org", RR_A), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_MX), "0 aa");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_AAAA), "0 aa");
    stop(f);
    f = start("hosts FILE {\nfallthrough\nfallthrough_unsupported\n}");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_MX), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_A), "0 aa 10.0.0.1");
    stop(f);
}

static void test_zones_and_reverse(void)
{
    write_file("10.0.0.1 a.example.com a.example.org\n");
    struct fake_stage *f = start("hosts FILE example.com {\nno_reverse\n}");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.com", RR_A), "0 aa 10.0.0.1");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_A), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, "1.0.0.10.in-addr.arpa", RR_PTR), "NEXT");
    stop(f);
}

/* The short way leaves those questions to the chain that hosts does not pass, and no others but those for
 * other types of a name that it has. */
static void test_claims(void)
{
    static const char *const options[] = {
        "hosts FILE {\nfallthrough\n}",
        "hosts FILE {\n10.0.0.9 in.example.org\nfallthrough sub.example.org\n}",
        "hosts FILE {\nfallthrough\nfallthrough_unsupported\n}",
        "hosts FILE example.com {\nno_reverse\n}",
        "hosts FILE",
    };
    static const char *const names[] = {
        "a.example.org",         "in.example.org",       "x.w.example.org", "none.example.org",
        "x.sub.example.org",     "none.example.com",     "a.example.com",   "1.0.0.10.in-addr.arpa",
        "9.0.0.10.in-addr.arpa", "5.0.0.10.in-addr.arpa"};
    static const uint16_t types[] = {RR_A, RR_AAAA, RR_MX, RR_PTR};
    unsigned claimed = 0, passed = 0;
    write_file("10.0.0.1 a.example.org a.example.com\n::1 a.example.org\n10.0.0.7 *.w.example.org\n");
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct fake_stage *f = start(options[o]);
        struct express_plan plan = {0};
        CU_ASSERT_TRUE_FATAL(plugin_hosts.express(f->state, &plan));
        for (size_t i = 0; i < sizeof names / sizeof names[0] * 4; i++) {
            struct request *r = fake_request(names[i / 4], types[i % 4]);
            rcu_reader_begin();
            bool claims = plan.claims(plan.claims_state, r->q.lname, r->q.qname_len, r->q.hash, r->q.qtype);
            rcu_reader_end();
            bool next = strcmp(ask(f, names[i / 4], types[i % 4]), "NEXT") == 0;
            bool address = types[i % 4] == RR_A || types[i % 4] == RR_AAAA;
            CU_ASSERT_TRUE(claims || next);
            CU_ASSERT_TRUE(!claims || !next || (!address && types[i % 4] != RR_PTR));
            claimed += claims;
            passed += !claims;
        }
        stop(f);
    }
    CU_ASSERT(claimed > 40 && passed > 40);
}

static bool page_has(const char *line)
{
    struct bytes out;
    bytes_init(&out, 1 << 24);
    metrics_render(&out);
    bool found = out.data != NULL && strstr(out.data, line) != NULL;
    if (!found)
        fprintf(stderr, "not on the page: %s\n", line);
    bytes_free(&out);
    return found;
}

static void test_reload(void)
{
    char line[128];
    unlink(path);
    struct fake_stage *f = start("hosts FILE {\nreload 20ms\nfallthrough\n}");
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_A), "NEXT");
    write_file("10.0.0.1 a.example.org\n");
    fake_run_loop(60);
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_A), "0 aa 10.0.0.1");
    snprintf(line, sizeof line, "coredns_hosts_entries{hostsfile=\"%s\"} 2\n", path);
    CU_ASSERT_TRUE(page_has(line));
    struct stat st;
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    snprintf(line, sizeof line, "coredns_hosts_reload_timestamp_seconds %lld.", (long long)st.st_mtim.tv_sec);
    CU_ASSERT_TRUE(page_has(line));
    write_file("10.0.0.2 a.example.org\n"); /* the same size, perhaps the same time; another place on disk */
    fake_run_loop(60);
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_A), "0 aa 10.0.0.2");
    unlink(path);
    fake_run_loop(60);
    CU_ASSERT_STRING_EQUAL(ask(f, "a.example.org", RR_A), "0 aa 10.0.0.2");
    stop(f);
    rcu_drain();
}

static void test_errors(void)
{
    static const char *const good[] = {"hosts", "hosts {\nreload 0\n}",
                                       "hosts {\n1.2.3.4 a b\n::1 c\nfallthrough a b\n}",
                                       "hosts {\nttl 65535\nno_reverse\nfallthrough 10.0.0.0/9\n}"};
    static const char *const bad[] = {"hosts {\nttl 0\n}",        "hosts {\nttl 65536\n}",
                                      "hosts {\nttl\n}",          "hosts {\nttl 1s\n}",
                                      "hosts {\nreload 5\n}",     "hosts {\nreload -5s\n}",
                                      "hosts {\nreload\n}",       "hosts {\nfallthrough\n1.2.3.4 a\n}",
                                      "hosts {\nunknown\n}",      "hosts {\n1.2.3.4 bad..name\n}",
                                      "hosts {\nno_reverse x\n}", "hosts {\nfallthrough bad..zone\n}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_STRING_EQUAL(fake_error(&plugin_hosts, good[i]), "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *text = fake_error(&plugin_hosts, bad[i]);
        bool right = strncmp(text, "Corefile:3 - plugin/hosts: ", 27) == 0 ||
                     strncmp(text, "Corefile:4 - plugin/hosts: ", 27) == 0;
        if (!right)
            fprintf(stderr, "%s: '%s'\n", bad[i], text);
        CU_ASSERT_TRUE(right);
    }
    CU_ASSERT_PTR_NOT_NULL(
        strstr(fake_error(&plugin_hosts, "hosts {\nfallthrough_unsupported\n}"), "requires fallthrough"));
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_hosts, "hosts /etc/hosts/x"), "unable to access"));
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_hosts, "hosts /nowhere/hosts"), "");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"names of the file and of the configuration answer, in the zones", test_answers},
        {"names that are not there go on where fallthrough says so", test_fallthrough},
        {"zones given replace the block's and no_reverse leaves addresses out", test_zones_and_reverse},
        {"the short way leaves to it what it does not pass", test_claims},
        {"the file is read again when it changed and kept when it is gone", test_reload},
        {"options that do not read are errors that name their line", test_errors},
    };
    if (mkdtemp(folder) == NULL)
        return 2;
    snprintf(path, sizeof path, "%s/hosts", folder);
    rcu_reader_register();
    fake_control.base = event_base_new();
    int status = run_suite("hosts", tests, sizeof tests / sizeof tests[0]);
    event_base_free(fake_control.base);
    rcu_reader_unregister();
    unlink(path);
    rmdir(folder);
    return status;
}
