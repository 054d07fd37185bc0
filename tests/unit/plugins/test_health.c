#include "fake_serve.h"

#include "../serve/http_client.h"
#include "metrics/metrics.h"

#include "../runner.h"

extern const struct plugin plugin_health;

static unsigned port;

static struct fake_stage *start(const char *block)
{
    char text[256];
    snprintf(text, sizeof text, ". {\nhealth localhost:%u %s\n}\n", port, block);
    struct fake_stage *f = fake_setup(&plugin_health, text);
    CU_ASSERT_EQUAL_FATAL(f->ret, ERR_OK);
    CU_ASSERT_EQUAL_FATAL(plugin_health.start(f->state, &f->e), ERR_OK);
    return f;
}

static void stop(struct fake_stage *f)
{
    plugin_health.stop(f->state);
    fake_free(&plugin_health, f);
}

static void test_page(void)
{
    struct fake_stage *f = start("");
    fake_control.draining = true; /* healthy to the end */
    const char *answer = http_client_get(fake_control.base, port, "/health");
    CU_ASSERT_EQUAL(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
    CU_ASSERT_STRING_EQUAL(answer + strlen(answer) - 6, "\r\n\r\nOK");
    fake_control.draining = false;
    CU_ASSERT_EQUAL(fake_control.lameduck_ms, 0);
    stop(f);
    CU_ASSERT_STRING_EQUAL(http_client_get(fake_control.base, port, "/health"), "failed");
}

static void test_lameduck(void)
{
    struct fake_stage *f = start("{\nlameduck 5s\n}");
    CU_ASSERT_EQUAL(fake_control.lameduck_ms, 5000);
    stop(f);
}

/* What the page of metrics says behind `name`. */
static double metric(const char *name)
{
    struct bytes out;
    bytes_init(&out, 1 << 20);
    metrics_render(&out);
    const char *at = out.data == NULL ? NULL : strstr(out.data, name);
    double value = at == NULL ? -1 : strtod(at + strlen(name), NULL);
    bytes_free(&out);
    return value;
}

static void test_checks_itself(void)
{
    struct fake_stage *f = start("");
    double before = metric("\ncoredns_health_request_duration_seconds_count ");
    CU_ASSERT_EQUAL(metric("\ncoredns_health_request_failures_total "), 0);
    fake_run_loop(1300);
    CU_ASSERT_EQUAL(metric("\ncoredns_health_request_duration_seconds_count "), before + 1);
    CU_ASSERT_EQUAL(metric("\ncoredns_health_request_failures_total "), 0);
    stop(f);
}

static void test_errors(void)
{
    static const char *const bad[] = {"health 8080",
                                      "health :1 :2",
                                      "health {\nlameduck\n}",
                                      "health {\nlameduck 5\n}",
                                      "health {\nlameduck -5s\n}",
                                      "health {\nother\n}"};
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_health, "health"), "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_health, bad[i]), " - plugin/health: "));
    struct fake_stage *f = start("");
    char text[256];
    snprintf(text, sizeof text, ". {\nhealth 127.0.0.1:%u\n}\n", port); /* the same place by another name */
    struct fake_stage *second = fake_setup(&plugin_health, text);
    CU_ASSERT_NOT_EQUAL(plugin_health.start(second->state, &second->e), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(second->e.text, "plugin/health: cannot listen on 127.0.0.1:"));
    fake_free(&plugin_health, second);
    stop(f);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"the page is OK as long as the plugin runs", test_page},
        {"lameduck is told to the process", test_lameduck},
        {"it asks its own page once a second and counts that", test_checks_itself},
        {"what does not read and an address in use are errors", test_errors},
    };
    port = http_client_free_port();
    fake_control.base = event_base_new();
    int status = run_suite("health", tests, sizeof tests / sizeof tests[0]);
    event_base_free(fake_control.base);
    return status;
}
