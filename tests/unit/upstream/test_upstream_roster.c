/* The upstreams of a directive, as what its TOs stand for changes. */
#include "../runner.h"

#include "../played_clock.h"

#include "../serve/fake_worker.h"

#include <stdio.h>
#include <unistd.h>

#include "serve/workers.h"
#include "upstream/upstream_roster.h"

/* No worker has the configuration. */
int workers_call(int (*fn)(struct worker *w, void *ctx), void *ctx)
{
    (void)fn, (void)ctx;
    return ERR_OK;
}

#define SOURCES 2

static char paths[SOURCES][40];
static struct upstream_roster roster;
static unsigned nchanges;

static void on_changed(void *ctx)
{
    (void)ctx;
    nchanges++;
}

static void write_sources(const char *first, const char *second)
{
    const char *const texts[SOURCES] = {first, second};
    for (unsigned i = 0; i < SOURCES; i++) {
        FILE *f = fopen(paths[i], "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(f);
        CU_ASSERT_TRUE(fputs(texts[i], f) >= 0);
        fclose(f);
    }
}

/* Two TOs that are asked over TLS and have to prove different names. Files stand for them: they need no
 * network to change. */
static void begin(const char *first, const char *second)
{
    struct errtext e = {{0}};
    fake_base = event_base_new();
    roster = (struct upstream_roster){.where = "Corefile:1", .nsources = SOURCES, .changed = on_changed};
    upstream_settings_default(&roster.settings);
    for (unsigned i = 0; i < SOURCES; i++) {
        snprintf(paths[i], sizeof paths[i], "/tmp/seamark-roster-XXXXXX");
        int fd = mkstemp(paths[i]);
        CU_ASSERT_FATAL(fd >= 0);
        close(fd);
    }
    write_sources(first, second);
    for (unsigned i = 0; i < SOURCES; i++) {
        struct upstream_source *s = &roster.sources[i];
        CU_ASSERT_EQUAL_FATAL(upstream_source_file(s, paths[i]), ERR_OK);
        s->transport.protocol = PROTOCOL_TLS;
        snprintf(s->transport.server_name, sizeof s->transport.server_name,
                 i == 0 ? "a.example" : "b.example");
    }
    CU_ASSERT_EQUAL_FATAL(upstream_roster_start(&roster, &e), ERR_OK);
    nchanges = 0;
}

static void end(void)
{
    upstream_roster_stop(&roster);
    upstream_roster_free(&roster);
    event_base_free(fake_base);
    for (unsigned i = 0; i < SOURCES; i++)
        unlink(paths[i]);
}

static void look_twice(void)
{
    let_pass(fake_base, ROSTER_LOOK_MS + 1);
    let_pass(fake_base, ROSTER_LOOK_MS + 1);
}

static bool is(unsigned i, const char *address, const char *name)
{
    char text[UPSTREAM_TEXT_MAX];
    return i < roster.set->count &&
           strcmp(upstream_address_text(&roster.set->addresses[i], text), address) == 0 &&
           strcmp(roster.set->transports[i].server_name, name) == 0;
}

static void another_address_makes_another_set(void)
{
    begin("nameserver 10.0.0.1\n", "nameserver 10.0.0.2\n");
    look_twice();
    CU_ASSERT_EQUAL(nchanges, 0);
    write_sources("nameserver 10.0.0.1\n", "nameserver 10.0.0.3\n");
    look_twice();
    CU_ASSERT_EQUAL(nchanges, 1);
    CU_ASSERT_TRUE(is(0, "10.0.0.1:53", "a.example") && is(1, "10.0.0.3:53", "b.example"));
    end();
}

static void an_address_that_moves_to_another_to_has_its_name_to_prove(void)
{
    begin("nameserver 10.0.0.1\nnameserver 10.0.0.2\n", "nameserver 10.0.0.3\n");
    CU_ASSERT_TRUE(is(1, "10.0.0.2:53", "a.example"));
    write_sources("nameserver 10.0.0.1\n", "nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
    look_twice();
    CU_ASSERT_EQUAL(nchanges, 1);
    CU_ASSERT_TRUE(is(0, "10.0.0.1:53", "a.example") && is(1, "10.0.0.2:53", "b.example") &&
                   is(2, "10.0.0.3:53", "b.example"));
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"another address makes another set", another_address_makes_another_set},
        {"an address that moves to another TO has its name to prove",
         an_address_that_moves_to_another_to_has_its_name_to_prove},
    };
    return run_suite("upstream_roster", tests, sizeof tests / sizeof tests[0]);
}
