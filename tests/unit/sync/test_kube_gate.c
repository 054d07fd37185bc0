/* sync/kube_gate.h and sync/kube_path.h: how often an API server is asked, and what. */
#include "sync/kube_gate.h"

#include <stdio.h>
#include <string.h>

#include "../runner.h"
#include "base/err.h"
#include "sync/kube_path.h"

#define MOST_RANDOM UINT32_MAX

static const struct kube_timing *const usual = &kube_timing_usual;

static void waits_double_up_to_the_most(void)
{
    static const uint64_t unreachable[] = {250, 500, 1000, 2000, 4000, 4000, 4000};
    static const uint64_t refused[] = {1000, 2000, 4000, 8000, 16000, 20000, 20000};
    for (unsigned i = 0; i < 7; i++) {
        CU_ASSERT_EQUAL(kube_backoff_ms(usual, i + 1, KUBE_UNREACHABLE, 0, 0), unreachable[i]);
        CU_ASSERT_EQUAL(kube_backoff_ms(usual, i + 1, KUBE_REFUSED, 0, 0), refused[i]);
        uint64_t late = kube_backoff_ms(usual, i + 1, KUBE_REFUSED, 0, MOST_RANDOM);
        CU_ASSERT_EQUAL(late, refused[i] + refused[i] / 10);
    }
    CU_ASSERT_EQUAL(kube_backoff_ms(usual, UINT32_MAX, KUBE_UNREACHABLE, 0, 0), 4000);
}

static void retry_after_is_obeyed_within_reason(void)
{
    CU_ASSERT_EQUAL(kube_backoff_ms(usual, 1, KUBE_REFUSED, 7, 0), 7000);
    CU_ASSERT_EQUAL(kube_backoff_ms(usual, 1, KUBE_REFUSED, 7, MOST_RANDOM), 7700);
    CU_ASSERT_EQUAL(kube_backoff_ms(usual, 6, KUBE_REFUSED, 1, 0), 20000);
    CU_ASSERT_EQUAL(kube_backoff_ms(usual, 1, KUBE_REFUSED, UINT32_MAX, 0), 300000);
}

/* Plays three kinds against a server that is never there, for a minute; returns how often it was asked. */
static unsigned asked_in_a_minute(enum kube_trouble trouble, uint32_t random)
{
    struct kube_gate gate = {0};
    uint64_t ready[3] = {0};
    unsigned failures[3] = {0}, asked = 0;
    for (uint64_t now = 0; now < 60000; now++) {
        for (int who = 0; who < 3; who++) {
            if (now < ready[who] || !kube_gate_may_start(&gate, now))
                continue;
            kube_gate_started(&gate, who);
            asked++;
            ready[who] = now + kube_backoff_ms(usual, ++failures[who], trouble, 0, random);
            kube_gate_bad(&gate, usual, who, trouble, 0, now, random);
        }
    }
    return asked;
}

static void an_absent_server_is_asked_some_twenty_times_a_minute(void)
{
    CU_ASSERT_EQUAL(asked_in_a_minute(KUBE_UNREACHABLE, 0), 19);
    CU_ASSERT_TRUE(asked_in_a_minute(KUBE_UNREACHABLE, MOST_RANDOM) >= 15);
    CU_ASSERT_TRUE(asked_in_a_minute(KUBE_UNREACHABLE, MOST_RANDOM) < 19);
    CU_ASSERT_TRUE(asked_in_a_minute(KUBE_REFUSED, 0) <= 10);
}

static void one_probe_at_a_time(void)
{
    struct kube_gate gate = {0};
    CU_ASSERT_TRUE(kube_gate_may_start(&gate, 0));
    kube_gate_started(&gate, 1);
    CU_ASSERT_FALSE(kube_gate_may_start(&gate, 1000000));
    CU_ASSERT_EQUAL(kube_gate_ready_ms(&gate), UINT64_MAX);
    kube_gate_ended(&gate, 2); /* not the probe's */
    CU_ASSERT_FALSE(kube_gate_may_start(&gate, 1000000));
    kube_gate_ended(&gate, 1);
    CU_ASSERT_TRUE(kube_gate_may_start(&gate, 1000000));
    kube_gate_good(&gate);
    CU_ASSERT_TRUE(kube_gate_may_start(&gate, 0));
    CU_ASSERT_EQUAL(kube_gate_ready_ms(&gate), 0);
    kube_gate_started(&gate, 1); /* an open gate holds up nobody */
    CU_ASSERT_TRUE(kube_gate_may_start(&gate, 0));
}

static void failures_together_count_once(void)
{
    struct kube_gate gate = {.open = true};
    for (int who = 0; who < 3; who++)
        kube_gate_bad(&gate, usual, who, KUBE_UNREACHABLE, 0, 1000, 0);
    CU_ASSERT_EQUAL(gate.failures, 1);
    CU_ASSERT_EQUAL(kube_gate_ready_ms(&gate), 1250);
    CU_ASSERT_FALSE(kube_gate_may_start(&gate, 1249));
    CU_ASSERT_TRUE(kube_gate_may_start(&gate, 1250));
    kube_gate_started(&gate, 2);
    kube_gate_bad(&gate, usual, 0, KUBE_UNREACHABLE, 0, 1250, 0); /* late news of the first failure */
    CU_ASSERT_EQUAL(gate.failures, 1);
    kube_gate_bad(&gate, usual, 2, KUBE_UNREACHABLE, 0, 1300, 0);
    CU_ASSERT_EQUAL(gate.failures, 2);
    CU_ASSERT_EQUAL(kube_gate_ready_ms(&gate), 1800);
    kube_gate_bad(&gate, usual, 1, KUBE_REFUSED, 9, 1400, 0); /* but what a server asks for holds for all */
    CU_ASSERT_EQUAL(kube_gate_ready_ms(&gate), 10400);
    kube_gate_good(&gate);
    kube_gate_bad(&gate, usual, 1, KUBE_UNREACHABLE, 0, 20000, 0);
    CU_ASSERT_EQUAL(gate.failures, 1);
}

static void assert_path(struct bytes *path, const char *expected)
{
    CU_ASSERT_EQUAL(path->error, ERR_OK);
    CU_ASSERT_STRING_EQUAL(path->data, expected);
    bytes_reset(path);
}

static void paths(void)
{
    struct bytes path;
    bytes_init(&path, KUBE_PATH_MAX);
    kube_path_list(KUBE_SERVICE, "", 500, "", &path);
    assert_path(&path, "/api/v1/services?limit=500");
    kube_path_list(KUBE_ENDPOINTSLICE, "", 500, "a+b/c=&d", &path);
    assert_path(&path, "/apis/discovery.k8s.io/v1/endpointslices?limit=500&continue=a%2Bb%2Fc%3D%26d");
    kube_path_list(KUBE_NAMESPACE, "", 0, "", &path);
    assert_path(&path, "/api/v1/namespaces?");
    kube_path_watch(KUBE_NAMESPACE, "", "12\r\nX: y", 300, &path);
    assert_path(&path, "/api/v1/namespaces?watch=true&allowWatchBookmarks=true&timeoutSeconds=300"
                       "&resourceVersion=12%0D%0AX%3A%20y");
    kube_path_stream(KUBE_SERVICE, "", 10, &path);
    assert_path(&path, "/api/v1/services?watch=true&allowWatchBookmarks=true&timeoutSeconds=10"
                       "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    static const char running[] =
        "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed%2Cstatus.phase%21%3DUnknown";
    for (int i = 0; i < 3; i++) {
        if (i == 0)
            kube_path_list(KUBE_POD, "", 500, "t", &path);
        else if (i == 1)
            kube_path_watch(KUBE_POD, "", "7", 300, &path);
        else
            kube_path_stream(KUBE_POD, "", 300, &path);
        CU_ASSERT_PTR_NOT_NULL(strstr(path.data, running));
        bytes_reset(&path);
    }
    kube_path_list(KUBE_SERVICE, "&labelSelector=a", 500, "", &path);
    assert_path(&path, "/api/v1/services?limit=500&labelSelector=a");
    kube_path_watch(KUBE_SERVICE, "&labelSelector=a", "7", 300, &path);
    assert_path(&path,
                "/api/v1/services?watch=true&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=7"
                "&labelSelector=a");
    kube_path_stream(KUBE_SERVICE, "&labelSelector=a", 10, &path);
    CU_ASSERT_PTR_NOT_NULL(strstr(path.data, "&resourceVersionMatch=NotOlderThan&labelSelector=a"));
    bytes_free(&path);
    bytes_init(&path, 64);
    CU_ASSERT_EQUAL(
        kube_path_list(KUBE_SERVICE, "", 500, "a-token-that-is-longer-than-the-limit-of-this-path", &path),
        ERR_LIMIT);
    bytes_free(&path);
    CU_ASSERT_STRING_EQUAL(kube_path_resource(KUBE_ENDPOINTSLICE), "endpointslices.discovery.k8s.io");
    CU_ASSERT_STRING_EQUAL(kube_path_group(KUBE_ENDPOINTSLICE), "discovery.k8s.io");
    CU_ASSERT_STRING_EQUAL(kube_path_group(KUBE_POD), "");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"waits double up to the most, with a tenth of chance", waits_double_up_to_the_most},
        {"Retry-After is obeyed, within reason", retry_after_is_obeyed_within_reason},
        {"an absent server is asked at most 20 times in the first minute",
         an_absent_server_is_asked_some_twenty_times_a_minute},
        {"a closed gate lets one probe through at a time", one_probe_at_a_time},
        {"failures that come together count once", failures_together_count_once},
        {"paths hold all that is asked, escaped", paths},
    };
    return run_suite("kube_gate", tests, sizeof tests / sizeof tests[0]);
}
