/* The directive, and what it decides before anything is transferred. */
#include "fake_serve.h"

#include "metrics/metrics.h"
#include "serve/stream.h"

#include "../runner.h"

extern const struct plugin plugin_transfer;

/* Nothing is sent here. */
struct stream *stream_open(struct request *r, stream_more *more, unsigned seconds)
{
    (void)r, (void)more, (void)seconds;
    return NULL;
}

void stream_close(struct stream *s)
{
    (void)s;
}

void stream_send(struct stream *s)
{
    (void)s;
}

void stream_send_message(struct stream *s, const void *message, size_t len)
{
    (void)s, (void)message, (void)len;
}

void stream_wake(struct stream *s)
{
    (void)s;
}

const char *stream_gone(const struct stream *s)
{
    (void)s;
    return NULL;
}

void stream_break(struct stream *s, const char *why)
{
    (void)s, (void)why;
}

int worker_post(struct worker *w, void (*fn)(void *ctx), void *ctx)
{
    (void)w;
    fn(ctx);
    return ERR_OK;
}

struct reply *request_reply(struct request *r)
{
    return r->reply;
}

void request_resume(struct request *r, int verdict)
{
    (void)r, (void)verdict;
}

static void good_blocks(void)
{
    static const char *const good[] = {
        "transfer {\n to *\n}",
        "transfer example.net 10.0.0.0/8 {\n to 1.2.3.4 5.6.7.8:1053 [1::2]:34 2001:db8::1 \"*\"\n}",
        "transfer {\n to 1.2.3.4\n to 1.2.3.5\n source 192.0.2.53\n}",
        "transfer {\n to 1::2\n source 2001:db8::53\n}",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_STRING_EQUAL(fake_error(&plugin_transfer, good[i]), "");
}

static void bad_blocks(void)
{
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"transfer", "Corefile:2 - plugin/transfer: 'to' is required"},
        {"transfer {\n}", "Corefile:2 - plugin/transfer: 'to' is required"},
        {"transfer {\n to *\n from *\n}", "Corefile:4 - plugin/transfer: unknown property \"from\""},
        {"transfer {\n to\n}",
         "Corefile:3 - plugin/transfer: expected at least 1 argument behind \"to\", found 0"},
        {"transfer {\n to example.org\n}",
         "Corefile:3 - plugin/transfer: must specify an IP address: `example.org'"},
        {"transfer {\n to 10.0.0.0/8\n}",
         "Corefile:3 - plugin/transfer: must specify an IP address: `10.0.0.0/8'"},
        {"transfer {\n to 10.0.0.1:0\n}",
         "Corefile:3 - plugin/transfer: must specify an IP address: `10.0.0.1:0'"},
        {"transfer {\n to *\n source\n}",
         "Corefile:4 - plugin/transfer: expected 1 argument behind \"source\", found 0"},
        {"transfer {\n to *\n source example.org\n}",
         "Corefile:4 - plugin/transfer: invalid source address \"example.org\""},
        {"transfer {\n to *\n source 10.0.0.1\n source 1::2\n}",
         "Corefile:5 - plugin/transfer: source already specified"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_STRING_EQUAL(fake_error(&plugin_transfer, bad[i].text), bad[i].error);
}

/* "NEXT" or the rcode. */
static const char *ask(struct fake_stage *f, uint16_t type, enum transport transport, const char *client)
{
    static char out[16];
    struct route route = {.block = &f->block};
    struct request *r = fake_request("example.org.", type);
    r->transport = transport;
    r->route = &route;
    r->q.has_serial = true;
    inet_pton(AF_INET, client, &r->client.in.sin_addr);
    if (strchr(client, ':') != NULL) {
        fake_from_six(r);
        inet_pton(AF_INET6, client, &r->client.in6.sin6_addr);
    }
    if (plugin_transfer.query(f->state, r) == VERDICT_NEXT)
        return "NEXT";
    snprintf(out, sizeof out, "%u", r->reply->rcode);
    return out;
}

static void who_is_let_through_to_the_zones(void)
{
    struct fake_stage *f =
        fake_setup(&plugin_transfer, "example.org {\ntransfer {\n to 10.0.0.1:5353 [2001:db8::1]:53\n}\n}\n");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_A, TRANSPORT_TCP, "10.0.0.1"), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_AXFR, TRANSPORT_UDP, "10.0.0.1"), "5");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_AXFR, TRANSPORT_INTERNAL, "10.0.0.1"), "5");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_IXFR, TRANSPORT_INTERNAL, "10.0.0.1"), "5");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_IXFR, TRANSPORT_UDP, "10.0.0.2"), "5");
    static const char *const allowed[] = {"10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1"},
                             *const refused[] = {"10.0.0.2", "::ffff:10.0.0.2", "2001:db8::2", "::10.0.0.1"};
    for (unsigned i = 0; i < 3; i++) /* and on to where it is not known that no stage has the zone */
        CU_ASSERT_STRING_EQUAL(ask(f, RR_AXFR, TRANSPORT_TCP, allowed[i]), "NEXT");
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_STRING_EQUAL(ask(f, RR_AXFR, TRANSPORT_TCP, refused[i]), "5");
    fake_free(&plugin_transfer, f);

    f = fake_setup(&plugin_transfer, "example.org {\ntransfer sub.example.org {\n to *\n}\n}\n");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_AXFR, TRANSPORT_TCP, "10.0.0.1"), "NEXT");
    CU_ASSERT_STRING_EQUAL(ask(f, RR_IXFR, TRANSPORT_UDP, "10.0.0.1"), "5");
    fake_free(&plugin_transfer, f);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"good blocks", good_blocks},
        {"bad blocks", bad_blocks},
        {"who is let through to the zones", who_is_let_through_to_the_zones},
    };
    return run_suite("plugins/transfer", tests, sizeof tests / sizeof tests[0]);
}
