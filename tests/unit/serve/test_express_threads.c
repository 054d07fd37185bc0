/* The short way while zones change, come and go, and configurations are replaced. */
#include <pthread.h>

#include "../runner.h"
#include "base/cursor.h"
#include "serve/express.h"
#include "served_fixture.h"

#define CHANGES 300

static bool over;                /* atomic */
static unsigned answered, wrong; /* the worker's own */

/* The name's address and the serial of the zone, which its changes keep equal. */
static int ask_on_and_on(struct worker *w, void *ctx)
{
    static uint8_t packets[2][EXPRESS_ROOM];
    static const char *const names[] = {"web.shop.svc.cluster.local.", "www.example.com.cluster.local."};
    static const union address somebody = {.sa.sa_family = AF_INET};
    struct express_work *work = ctx;
    for (unsigned turn = 0; turn < 200; turn++) {
        struct express_datagram d[2];
        for (unsigned i = 0; i < 2; i++) {
            uint8_t name[NAME_MAX_LEN];
            struct query q;
            fixture_name(names[i], name);
            query_make(&q, name, RR_A);
            d[i] = (struct express_datagram){.packet = packets[i],
                                             .size = (uint16_t)query_write(&q, packets[i], 512),
                                             .client = &somebody};
        }
        const struct express_table *t = w->present->config->listeners[0].express;
        if (express_serve(work, t, w, d, 2, 0) != 2)
            continue;
        answered++;
        uint32_t value = wire_u32(packets[0] + d[0].answer - 4);
        uint32_t serial = wire_u32(packets[1] + d[1].answer - 20);
        wrong += value != serial; /* one batch, one version */
    }
    return ERR_OK;
}

static void *keep_asking(void *ctx)
{
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST))
        workers_call(ask_on_and_on, ctx);
    return NULL;
}

static void fill(struct zone_txn *t, unsigned number)
{
    char line[200];
    snprintf(line, sizeof line,
             "cluster.local. 5 IN SOA ns.dns.cluster.local. h.cluster.local. %u 7200 1800 86400 5", number);
    fixture_add(t, line);
    snprintf(line, sizeof line, "web.shop.svc.cluster.local. 5 IN A 0.0.%u.%u", number / 256, number % 256);
    fixture_add(t, line);
}

static const struct rr *address(struct rr_storage *storage, unsigned number)
{
    static struct rr rr;
    char line[200];
    snprintf(line, sizeof line, "web.shop.svc.cluster.local. 5 IN A 0.0.%u.%u", number / 256, number % 256);
    if (rr_from_text(line, strlen(line), storage, &rr) != ERR_OK)
        abort();
    return &rr;
}

static void zones_and_configurations_change_under_it(void)
{
    static const char *const corefiles[] = {
        ".:5300 {\n kubernetes cluster.local\n loadbalance\n}\n",
        ".:5300 {\n prometheus\n kubernetes cluster.local\n cache 30\n}\n"};
    struct rr_storage *storage = malloc(sizeof *storage);
    pthread_t thread;
    struct zone *z;
    struct zone_txn *t = fixture_begin("cluster.local.", &z);
    fill(t, 1);
    fixture_commit(t, z);
    fixture_use(corefiles[0]);
    struct express_work *work = express_work_new();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, keep_asking, work), 0);
    for (unsigned i = 2; i < CHANGES; i++) {
        if (i % 3 != 0) { /* a change */
            t = zone_begin(z);
            CU_ASSERT_EQUAL(zone_remove(t, address(storage, i - 1)), ERR_OK);
            CU_ASSERT_EQUAL(zone_add(t, address(storage, i)), ERR_OK);
            CU_ASSERT_EQUAL(zone_set_serial(t, i), ERR_OK);
            CU_ASSERT_EQUAL(zone_commit(t), ERR_OK);
        } else { /* a new file */
            t = fixture_begin("cluster.local.", &z);
            fill(t, i);
            fixture_commit(t, z);
        }
        if (i % 10 == 0) {
            struct config *old = fixture_config;
            struct route_metrics *metrics = fixture_metrics[0];
            fixture_use(corefiles[i / 10 % 2]);
            fixture_stop(old);
            workers_call(fixture_nothing, NULL);
            route_metrics_free(metrics);
        }
    }
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    CU_ASSERT(answered > 0);
    CU_ASSERT_EQUAL(wrong, 0);
    fixture_let_go();
    free(work);
    free(storage);
}

static const struct unit_test tests[] = {
    {"zones and configurations change under it", zones_and_configurations_change_under_it},
};

int main(void)
{
    struct errtext e = {0};
    if (workers_start(1, &e) != ERR_OK)
        return 2;
    rcu_reader_register();
    int status = run_suite("express_threads", tests, sizeof tests / sizeof tests[0]);
    workers_stop();
    fixture_forget_zones();
    rcu_drain();
    rcu_reader_unregister();
    return status;
}
