#include "metrics/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "../runner.h"

static char *page(void)
{
    struct bytes out;
    bytes_init(&out, 1 << 24);
    CU_ASSERT_EQUAL(metrics_render(&out), 0);
    char *text = strdup(out.data == NULL ? "" : out.data);
    bytes_free(&out);
    return text;
}

static bool page_has(const char *line)
{
    char *text = page();
    bool found = strstr(text, line) != NULL;
    if (!found)
        fprintf(stderr, "not on the page: %s\n", line);
    free(text);
    return found;
}

static bool page_lacks(const char *text)
{
    char *all = page();
    bool lacks = strstr(all, text) == NULL;
    free(all);
    return lacks;
}

static void test_counter_without_dimension(void)
{
    static const struct metric_desc desc = {
        .name = "t_plain_total", .help = "Plain.", .type = METRIC_COUNTER};
    const struct metric *m = metrics_register(&desc, NULL, 0);
    CU_ASSERT_TRUE(page_has("# HELP t_plain_total Plain.\n# TYPE t_plain_total counter\nt_plain_total 0\n"));
    metrics_add(m, 0, 3);
    CU_ASSERT_TRUE(page_has("\nt_plain_total 3\n"));
    CU_ASSERT_EQUAL(metrics_value(m, 0), 3);
}

static void test_labels_sorted_and_escaped(void)
{
    static const struct metric_desc desc = {
        .name = "t_escape_total", .help = "a\\b\nc", .type = METRIC_COUNTER};
    const struct metric_label labels[] = {LABEL("zone", "a\"b\\c\nd"), LABEL("server", "x\xff\xc3\xa4")};
    metrics_add(metrics_register(&desc, labels, 2), 0, 1);
    CU_ASSERT_TRUE(page_has("# HELP t_escape_total a\\\\b\\nc\n"));
    CU_ASSERT_TRUE(page_has("t_escape_total{server=\"x?\xc3\xa4\",zone=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

static void test_dimensions(void)
{
    static const char *const families[] = {"1", "2"};
    static const char *const types[] = {"A", "AAAA", "other"};
    static const struct metric_desc desc = {.name = "t_dim_total", .help = "D.", .type = METRIC_COUNTER};
    const struct metric_label labels[] = {LABEL_TABLE("family", families, 2), LABEL("server", "s"),
                                          LABEL_TABLE("atype", types, 3)};
    const struct metric *m = metrics_register(&desc, labels, 3);
    CU_ASSERT_TRUE(page_lacks("t_dim_total"));
    metrics_add(m, 1 * 3 + 2, 5);
    metrics_add(m, 0 * 3 + 1, 7);
    CU_ASSERT_TRUE(page_has("t_dim_total{atype=\"other\",family=\"2\",server=\"s\"} 5\n"));
    CU_ASSERT_TRUE(page_has("t_dim_total{atype=\"AAAA\",family=\"1\",server=\"s\"} 7\n"));
    CU_ASSERT_TRUE(page_lacks("t_dim_total{atype=\"A\""));
}

static void test_same_labels_same_series(void)
{
    static const struct metric_desc desc = {.name = "t_same_total", .help = "S.", .type = METRIC_COUNTER};
    const struct metric_label one[] = {LABEL("a", "1"), LABEL("b", "2")};
    const struct metric_label other_order[] = {LABEL("b", "2"), LABEL("a", "1")};
    const struct metric_label different[] = {LABEL("a", "12"), LABEL("b", "")};
    CU_ASSERT_PTR_EQUAL(metrics_register(&desc, one, 2), metrics_register(&desc, other_order, 2));
    CU_ASSERT_PTR_NOT_EQUAL(metrics_register(&desc, one, 2), metrics_register(&desc, different, 2));
}

static void test_histogram(void)
{
    static const uint64_t bounds[] = {250000, 1000000000};
    static const struct metric_desc desc = {.name = "t_hist_seconds",
                                            .help = "H.",
                                            .type = METRIC_HISTOGRAM,
                                            .unit = METRIC_NANOSECONDS,
                                            .bounds = bounds,
                                            .nbounds = 2,
                                            .hide_zero = true};
    const struct metric_label labels[] = {LABEL("z", ".")};
    const struct metric *m = metrics_register(&desc, labels, 1);
    CU_ASSERT_TRUE(page_lacks("t_hist_seconds"));
    metrics_observe(m, 0, 250000); /* an upper bound is inside its bucket */
    metrics_observe(m, 0, 250001);
    metrics_observe(m, 0, 2000000000);
    CU_ASSERT_TRUE(page_has("t_hist_seconds_bucket{z=\".\",le=\"0.00025\"} 1\n"
                            "t_hist_seconds_bucket{z=\".\",le=\"1\"} 2\n"
                            "t_hist_seconds_bucket{z=\".\",le=\"+Inf\"} 3\n"
                            "t_hist_seconds_sum{z=\".\"} 2.000500001\n"
                            "t_hist_seconds_count{z=\".\"} 3\n"));
}

static void test_histogram_with_dimension(void)
{
    static const char *const rcodes[] = {"NOERROR", "SERVFAIL"};
    static const uint64_t bounds[] = {10};
    static const struct metric_desc desc = {
        .name = "t_hist_bytes", .help = "H.", .type = METRIC_HISTOGRAM, .bounds = bounds, .nbounds = 1};
    const struct metric_label labels[] = {LABEL_TABLE("rcode", rcodes, 2)};
    const struct metric *m = metrics_register(&desc, labels, 1);
    metrics_observe(m, 1, 11);
    CU_ASSERT_TRUE(page_has("t_hist_bytes_bucket{rcode=\"SERVFAIL\",le=\"10\"} 0\n"
                            "t_hist_bytes_bucket{rcode=\"SERVFAIL\",le=\"+Inf\"} 1\n"
                            "t_hist_bytes_sum{rcode=\"SERVFAIL\"} 11\n"));
    CU_ASSERT_TRUE(page_lacks("rcode=\"NOERROR\""));
}

static double read_half(void *ctx)
{
    return *(double *)ctx;
}

static const struct metric_desc gauge_desc = {.name = "t_gauge", .help = "G.", .type = METRIC_GAUGE};

static void test_gauges(void)
{
    const struct metric_label labels[] = {LABEL("g", "1")};
    double old = 0.5, young = 1e300;
    struct metric_gauge *first = metrics_gauge(&gauge_desc, labels, 1, read_half, &old);
    CU_ASSERT_TRUE(page_has("t_gauge{g=\"1\"} 0.5\n"));
    struct metric_gauge *second = metrics_gauge(&gauge_desc, labels, 1, read_half, &young);
    CU_ASSERT_TRUE(page_has("t_gauge{g=\"1\"} 1e+300\n"));
    CU_ASSERT_TRUE(page_lacks("0.5\n"));
    metrics_gauge_remove(first);
    CU_ASSERT_TRUE(page_has("t_gauge{g=\"1\"} 1e+300\n"));
    metrics_gauge_remove(second);
    CU_ASSERT_TRUE(page_lacks("t_gauge"));
    struct metric_gauge *held = metrics_gauge(&gauge_desc, labels, 1, NULL, NULL);
    metrics_gauge_set(held, 1763900000.123);
    CU_ASSERT_TRUE(page_has("t_gauge{g=\"1\"} 1763900000.123\n"));
    metrics_gauge_remove(held);
    metrics_gauge_remove(NULL);
    metrics_gauge_set(NULL, 1);
}

static void test_page_in_order(void)
{
    static const struct metric_desc b = {.name = "t_order_b_total", .help = "B.", .type = METRIC_COUNTER};
    static const struct metric_desc a = {.name = "t_order_a_total", .help = "A.", .type = METRIC_COUNTER};
    metrics_register(&b, NULL, 0);
    metrics_register(&a, NULL, 0);
    char *text = page();
    CU_ASSERT_TRUE(strstr(text, "\nt_order_a_total 0") < strstr(text, "\nt_order_b_total 0"));
    free(text);
}

/* Last: afterwards there is no room for anything. */
static void test_limit(void)
{
    static const struct metric_desc desc = {.name = "t_limit_total", .help = "L.", .type = METRIC_COUNTER};
    static const struct metric_desc fine = {
        .name = "t_plain_total", .help = "Plain.", .type = METRIC_COUNTER};
    static const struct metric_desc other_type = {
        .name = "t_plain_total", .help = "Plain.", .type = METRIC_GAUGE};
    const struct metric *nowhere = metrics_register(&other_type, NULL, 0);
    CU_ASSERT_EQUAL(nowhere->cell, 0);
    const struct metric *last = NULL;
    for (int i = 0; i < 9000; i++) {
        char value[16];
        snprintf(value, sizeof value, "v%05d", 9000 - i);
        const struct metric_label labels[] = {LABEL("v", value)};
        last = metrics_register(&desc, labels, 1);
        metrics_add(last, 0, 1);
        metrics_observe(last, 0, 1);
    }
    CU_ASSERT_EQUAL(last->cell, 0);
    const struct metric_label labels[] = {LABEL("g", "1")};
    CU_ASSERT_PTR_NULL(metrics_gauge(&gauge_desc, labels, 1, NULL, NULL));
    CU_ASSERT_TRUE(page_has("t_limit_total{v=\"v09000\"} "));
    CU_ASSERT_TRUE(page_lacks("t_limit_total{v=\"v00001\"}"));
    const struct metric *m = metrics_register(&fine, NULL, 0);
    uint64_t before = metrics_value(m, 0);
    metrics_add(m, 0, 1);
    CU_ASSERT_EQUAL(metrics_value(m, 0), before + 1);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a counter without labels is shown from the start", test_counter_without_dimension},
        {"labels stand in alphabetical order with their values escaped", test_labels_sorted_and_escaped},
        {"an index chooses among the values of dimensions, and only what was counted is shown",
         test_dimensions},
        {"the same labels in any order are the same series", test_same_labels_same_series},
        {"a histogram's buckets are cumulative and its sum exact", test_histogram},
        {"a histogram may have a dimension", test_histogram_with_dimension},
        {"of two gauges with the same labels the newer is shown", test_gauges},
        {"families stand in order of name", test_page_in_order},
        {"at the limit a series counts nowhere and the others go on", test_limit},
    };
    return run_suite("metrics", tests, sizeof tests / sizeof tests[0]);
}
