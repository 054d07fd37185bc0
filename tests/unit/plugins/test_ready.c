#include "fake_serve.h"

#include "../serve/http_client.h"
#include "http/readiness.h"

#include "../runner.h"

extern const struct plugin plugin_ready;

static unsigned port;

static struct fake_stage *start(const char *block)
{
    char text[256];
    snprintf(text, sizeof text, ". {\nready 127.0.0.1:%u %s\n}\n", port, block);
    struct fake_stage *f = fake_setup(&plugin_ready, text);
    CU_ASSERT_EQUAL_FATAL(f->ret, ERR_OK);
    CU_ASSERT_EQUAL_FATAL(plugin_ready.start(f->state, &f->e), ERR_OK);
    return f;
}

static void stop(struct fake_stage *f)
{
    plugin_ready.stop(f->state);
    fake_free(&plugin_ready, f);
}

static bool says(const char *status, const char *body)
{
    const char *answer = http_client_get(fake_control.base, port, "/ready");
    const char *at = strstr(answer, "\r\n\r\n");
    bool right = strncmp(answer + 9, status, strlen(status)) == 0 && at != NULL && strcmp(at + 4, body) == 0;
    if (!right)
        fprintf(stderr, "%s\n", answer);
    return right;
}

static bool is_ready(void *ctx)
{
    return *(bool *)ctx;
}

static void test_until_ready(void)
{
    bool a = false;
    struct readiness *one = readiness_register("kubernetes", is_ready, &a);
    struct fake_stage *f = start("");
    CU_ASSERT_TRUE(says("503 ", "kubernetes"));
    a = true;
    CU_ASSERT_TRUE(says("200 ", "OK"));
    a = false;
    CU_ASSERT_TRUE(says("200 ", "OK"));
    readiness_unregister(one);
    stop(f);
}

static void test_continuously(void)
{
    bool a = true;
    struct readiness *one = readiness_register("kubernetes", is_ready, &a);
    struct fake_stage *f = start("{\nmonitor continuously\n}");
    CU_ASSERT_TRUE(says("200 ", "OK"));
    a = false;
    CU_ASSERT_TRUE(says("503 ", "kubernetes"));
    readiness_unregister(one);
    stop(f);
}

static void test_draining(void)
{
    struct fake_stage *f = start("{\nmonitor until-ready\n}");
    fake_control.draining = true;
    CU_ASSERT_TRUE(says("503 ", "Shutting down"));
    fake_control.draining = false;
    stop(f);
}

static void test_errors(void)
{
    static const char *const bad[] = {"ready x", "ready :1 :2", "ready {\nmonitor\n}",
                                      "ready {\nmonitor sometimes\n}", "ready {\nother\n}"};
    CU_ASSERT_STRING_EQUAL(fake_error(&plugin_ready, "ready"), "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_error(&plugin_ready, bad[i]), " - plugin/ready: "));
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"who is not ready is named until it was ready once", test_until_ready},
        {"watched continuously, it is named again", test_continuously},
        {"a process that is about to end is not ready", test_draining},
        {"what does not read is an error", test_errors},
    };
    port = http_client_free_port();
    fake_control.base = event_base_new();
    int status = run_suite("ready", tests, sizeof tests / sizeof tests[0]);
    event_base_free(fake_control.base);
    return status;
}
