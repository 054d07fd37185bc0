/* sync/kube_event.h: events and refusals as the API server words them. */
#include "sync/kube_event.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../runner.h"

static void events_by_type(void)
{
    static const struct {
        const char *json;
        int ret;
        enum kube_event_type type;
        bool ends;
    } cases[] = {
        {"{\"type\":\"ADDED\",\"object\":{}}", ERR_OK, KUBE_EVENT_PUT, false},
        {"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"annotations\":{\"k8s.io/"
         "initial-events-end\":\"true\"}}}}",
         ERR_OK, KUBE_EVENT_PUT, false},
        {"{\"type\":\"DELETED\",\"object\":[]}", ERR_OK, KUBE_EVENT_REMOVE, false},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}", ERR_OK, KUBE_EVENT_BOOKMARK, false},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"annotations\":{\"k8s.io/"
         "initial-events-end\":\"true\"}}}}",
         ERR_OK, KUBE_EVENT_BOOKMARK, true},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"annotations\":{\"k8s.io/"
         "initial-events-end\":true}}}}",
         ERR_OK, KUBE_EVENT_BOOKMARK, false},
        {"{\"type\":\"BOOKMARK\",\"object\":7}", ERR_OK, KUBE_EVENT_BOOKMARK, false},
        {"{\"type\":\"ERROR\",\"object\":{\"code\":410}}", ERR_OK, KUBE_EVENT_ERROR, false},
        {"{\"type\":\"SYNC\",\"object\":{}}", ERR_MALFORMED, 0, false},
        {"{\"type\":\"\",\"object\":{}}", ERR_MALFORMED, 0, false},
        {"{\"type\":7,\"object\":{}}", ERR_MALFORMED, 0, false},
        {"{\"type\":\"ADDED\",\"object\":null}", ERR_MALFORMED, 0, false},
        {"{\"type\":\"ADDED\"}", ERR_MALFORMED, 0, false},
        {"{}", ERR_MALFORMED, 0, false},
        {"[]", ERR_MALFORMED, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_object *j = json_tokener_parse(cases[i].json);
        struct kube_event event = {0};
        struct errtext e = {{0}};
        CU_ASSERT_EQUAL(kube_event_read(j, &event, &e), cases[i].ret);
        CU_ASSERT_EQUAL(e.text[0] == '\0', cases[i].ret == ERR_OK);
        CU_ASSERT_EQUAL(event.object != NULL, cases[i].ret == ERR_OK);
        CU_ASSERT_EQUAL(event.type, cases[i].type);
        CU_ASSERT_EQUAL(event.ends_initial, cases[i].ends);
        json_object_put(j);
    }
}

static void statuses(void)
{
    static const struct {
        const char *json;
        int code;
        const char *reason;
        bool too_large;
    } cases[] = {
        {"{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\"}", 410, "Expired",
         false},
        {"{\"code\":504,\"reason\":\"Timeout\",\"details\":{\"causes\":[7,{\"reason\":"
         "\"ResourceVersionTooLarge\"}]}}",
         504, "Timeout", true},
        {"{\"code\":504,\"message\":\"Too large resource version: 9, current: 1\"}", 504, "", true},
        {"{\"code\":\"410\",\"reason\":{},\"message\":[],\"details\":{\"causes\":{}}}", 0, "", false},
        {"{}", 0, "", false},
        {"[]", 0, "", false},
        {"null", 0, "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_object *j = json_tokener_parse(cases[i].json);
        struct kube_status status = kube_status_read(j);
        CU_ASSERT_EQUAL(status.code, cases[i].code);
        CU_ASSERT_STRING_EQUAL(status.reason, cases[i].reason);
        CU_ASSERT_EQUAL(status.version_too_large, cases[i].too_large);
        json_object_put(j);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"an event is known by its type and needs an object", events_by_type},
        {"a Status gives code, reason and whether the version is ahead", statuses},
    };
    return run_suite("kube_event", tests, sizeof tests / sizeof tests[0]);
}
