/* sync/kube_auth.h and sync/kube_config.h: where the server is and what it is shown, from each of the three
 * sources. */
#include "sync/kube_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runner.h"
#include "sync/kube_config.h"

static char folder[] = "/tmp/seamark-auth-XXXXXX";

static char *in_folder(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", folder, name);
    return out;
}

static void put_file(const char *name, const char *content)
{
    char path[128];
    FILE *f = fopen(in_folder(name, path), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(content, f);
    fclose(f);
}

static int load_config(const char *content, const char *context, struct kube_auth *out, struct errtext *e)
{
    char path[128];
    put_file("config", content);
    *e = (struct errtext){{0}};
    return kube_config_load(in_folder("config", path), context, out, e);
}

/* A kubeconfig of one context, with these lines in its cluster and its user. */
static int load_parts(const char *cluster, const char *user, struct kube_auth *out, struct errtext *e)
{
    char text[4096];
    snprintf(text, sizeof text,
             "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n- name: here\n  context: "
             "{cluster: c, user: u}\n"
             "clusters:\n- name: c\n  cluster: {%s}\nusers:\n- name: u\n  user: {%s}\n",
             cluster, user);
    return load_config(text, NULL, out, e);
}

static void servers(void)
{
    static const struct {
        const char *cluster;
        const char *server;
    } good[] = {
        {"server: 'https://10.0.0.1:6443'", "https://10.0.0.1:6443"},
        {"server: 'https://10.0.0.1:6443/'", "https://10.0.0.1:6443"},
        {"server: 'https://[fd00::1]:6443/k8s/clusters/c-1//'", "https://[fd00::1]:6443/k8s/clusters/c-1"},
        {"server: http://localhost:8080", "http://localhost:8080"},
        {"server: localhost:8080", "http://localhost:8080"},
        {"server: 'kube.example:6443', insecure-skip-tls-verify: true", "https://kube.example:6443"},
        {"server: 'kube.example:6443', certificate-authority: ca.crt", "https://kube.example:6443"},
        {"server: HTTPS://kube.example", "HTTPS://kube.example"},
    };
    static const char *const bad[] = {
        "server: ''",
        "{}",
        "server: 'ftp://h'",
        "server: 'https://'",
        "server: ':8080'",
        "server: 'https:///x'",
        "server: 'https://h/?x=1'",
        "server: 'https://a b'",
        "server: 'https://user:secret@h'",
        "server: \"https://h\\r\\nX: y\"",
        "server: [a]",
        "server: {a: b}",
        "server: \"https://h\\0\"",
    };
    struct errtext e;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct kube_auth a = {0};
        CU_ASSERT_EQUAL_FATAL(load_parts(good[i].cluster, "", &a, &e), ERR_OK);
        CU_ASSERT_STRING_EQUAL(a.server, good[i].server);
        kube_auth_free(&a);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct kube_auth a = {0};
        int ret = load_parts(strcmp(bad[i], "{}") == 0 ? "" : bad[i], "", &a, &e);
        if (ret != ERR_CONFIG)
            printf("\n    %s\n", bad[i]);
        CU_ASSERT_EQUAL(ret, ERR_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "cluster \"c\""));
        CU_ASSERT_PTR_NULL(a.server);
        kube_auth_free(&a);
    }
}

static void files_are_relative_to_the_kubeconfig(void)
{
    struct kube_auth a = {0};
    struct errtext e;
    char expected[128];
    put_file("tok", "from-file\n");
    int ret = load_parts(
        "server: 'https://h', certificate-authority: pki/ca.crt, tls-server-name: kubernetes, proxy-url: "
        "'http://p:3128'",
        "client-certificate: /abs/c.crt, client-key: k.key, tokenFile: tok", &a, &e);
    CU_ASSERT_EQUAL_FATAL(ret, ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.ca.path, in_folder("pki/ca.crt", expected));
    CU_ASSERT_STRING_EQUAL(a.cert.path, "/abs/c.crt");
    CU_ASSERT_STRING_EQUAL(a.key.path, in_folder("k.key", expected));
    CU_ASSERT_STRING_EQUAL(a.tls_server_name, "kubernetes");
    CU_ASSERT_STRING_EQUAL(a.proxy, "http://p:3128");
    CU_ASSERT_STRING_EQUAL(a.token, "from-file");
    CU_ASSERT_FALSE(a.insecure);
    kube_auth_free(&a);
}

static void inline_data_win_over_files(void)
{
    struct kube_auth a = {0};
    struct errtext e;
    CU_ASSERT_EQUAL_FATAL(
        load_parts("server: 'https://h', certificate-authority: x, certificate-authority-data: aGVsbG8=",
                   "client-certificate-data: 'Y2Vy dA==', client-key-data: a2V5", &a, &e),
        ERR_OK);
    CU_ASSERT_PTR_NULL(a.ca.path);
    CU_ASSERT_EQUAL_FATAL(a.ca.data.len, 5);
    CU_ASSERT_EQUAL(memcmp(a.ca.data.data, "hello", 5), 0);
    CU_ASSERT_EQUAL_FATAL(a.cert.data.len, 4);
    CU_ASSERT_EQUAL(memcmp(a.cert.data.data, "cert", 4), 0);
    CU_ASSERT_EQUAL_FATAL(a.key.data.len, 3);
    kube_auth_free(&a);
}

static void users(void)
{
    static const struct {
        const char *user;
        const char *token, *name;
        const char *says; /* NULL: it is good */
    } cases[] = {
        {"", NULL, NULL, NULL},
        {"token: abc", "abc", NULL, NULL},
        {"token: ' abc '", "abc", NULL, NULL},
        {"token: abc, tokenFile: nowhere", "abc", NULL, NULL},
        {"token: abc, tokenFile: tok", "from-file", NULL, NULL},
        {"username: me, password: pw", NULL, "me", NULL},
        {"exec: null, auth-provider: ~", NULL, NULL, NULL},
        {"tokenFile: nowhere", NULL, NULL, "user \"u\": cannot read the token"},
        {"token: \"a\\nX-Header: b\"", NULL, NULL, "user \"u\": the token has a byte"},
        {"token: '  '", NULL, NULL, "user \"u\": the token is empty"},
        {"username: me", NULL, NULL, "user \"u\": username and password are not given together"},
        {"client-certificate: c", NULL, NULL, "user \"u\": a client certificate is given without its key"},
        {"client-key-data: a2V5", NULL, NULL, "user \"u\": a client key is given without its certificate"},
        {"client-key-data: '*', client-certificate: c", NULL, NULL,
         "user \"u\": client-key-data is not base64"},
        {"client-key-data: a2V, client-certificate: c", NULL, NULL,
         "user \"u\": client-key-data is not base64"},
        {"exec: {command: aws}", NULL, NULL, "user \"u\" gets its credentials from a program (exec)"},
        {"auth-provider: {name: gcp}", NULL, NULL, "user \"u\" gets its credentials from an auth-provider"},
        {"as: admin", NULL, NULL, "user \"u\" impersonates another user (as)"},
        {"token: [a]", NULL, NULL, "user \"u\": token is not a text"},
    };
    put_file("tok", "from-file");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kube_auth a = {0};
        struct errtext e;
        int ret = load_parts("server: 'https://h'", cases[i].user, &a, &e);
        CU_ASSERT_EQUAL(ret, cases[i].says == NULL ? ERR_OK : ERR_CONFIG);
        bool said = cases[i].says == NULL ? e.text[0] == '\0' : strstr(e.text, cases[i].says) != NULL;
        if (!said)
            printf("\n    %s: says \"%s\"\n", cases[i].user, e.text);
        CU_ASSERT_TRUE(said);
        CU_ASSERT_EQUAL(a.token != NULL, cases[i].token != NULL);
        if (a.token != NULL && cases[i].token != NULL)
            CU_ASSERT_STRING_EQUAL(a.token, cases[i].token);
        CU_ASSERT_EQUAL(a.username != NULL, cases[i].name != NULL);
        kube_auth_free(&a);
    }
}

static void insecure_is_asked_for_in_words(void)
{
    struct kube_auth a = {0};
    struct errtext e;
    CU_ASSERT_EQUAL_FATAL(load_parts("server: 'https://h', insecure-skip-tls-verify: true", "", &a, &e),
                          ERR_OK);
    CU_ASSERT_TRUE(a.insecure);
    kube_auth_free(&a);
    CU_ASSERT_EQUAL_FATAL(load_parts("server: 'https://h', insecure-skip-tls-verify: false", "", &a, &e),
                          ERR_OK);
    CU_ASSERT_FALSE(a.insecure);
    kube_auth_free(&a);
    CU_ASSERT_EQUAL(load_parts("server: 'https://h', insecure-skip-tls-verify: 1", "", &a, &e), ERR_CONFIG);
    CU_ASSERT_EQUAL(
        load_parts("server: 'https://h', insecure-skip-tls-verify: true, certificate-authority: x", "", &a,
                   &e),
        ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "insecure-skip-tls-verify"));
}

#define TWO_CONTEXTS                                                                                         \
    "contexts:\n- name: a\n  context: {cluster: c1, user: u1}\n- name: b\n  context: {cluster: c2}\n"        \
    "- name: no-cluster\n  context: {user: u1}\n- name: lost-cluster\n  context: {cluster: c9}\n"            \
    "- name: lost-user\n  context: {cluster: c1, user: u9}\n- nonsense\n- name: empty\n"                     \
    "clusters:\n- {name: c1, cluster: {server: 'https://one'}}\n- {name: c2, cluster: {server: "             \
    "'https://two'}}\n"                                                                                      \
    "users:\n- {name: u1, user: {token: t1}}\n"

static void contexts(void)
{
    static const struct {
        const char *text, *context;
        const char *server, *says;
    } cases[] = {
        {"current-context: a\n" TWO_CONTEXTS, NULL, "https://one", NULL},
        {"current-context: a\n" TWO_CONTEXTS, "b", "https://two", NULL},
        {TWO_CONTEXTS, "b", "https://two", NULL},
        {"{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":{\"cluster\":\"c\"}}],"
         "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://json\"}}]}",
         NULL, "https://json", NULL},
        {TWO_CONTEXTS, NULL, NULL, "it has no current-context, and no context is named"},
        {"current-context: ''\n" TWO_CONTEXTS, NULL, NULL, "it has no current-context"},
        {"current-context: a\n" TWO_CONTEXTS, "zzz", NULL, "there is no context \"zzz\""},
        {TWO_CONTEXTS, "no-cluster", NULL, "context \"no-cluster\" names no cluster"},
        {TWO_CONTEXTS, "empty", NULL, "context \"empty\" names no cluster"},
        {TWO_CONTEXTS, "lost-cluster", NULL, "there is no cluster \"c9\""},
        {TWO_CONTEXTS, "lost-user", NULL, "there is no user \"u9\""},
        {"", NULL, NULL, "it has no current-context"},
        {"[]", NULL, NULL, "it has no current-context"},
        {"current-context: [a", NULL, NULL, "line 2: not YAML"},
        {"a: b\n\tc: d\n", NULL, NULL, "line 2: not YAML"},
        {"a: *nowhere\n", NULL, NULL, "not YAML"},
        {"contexts: {a: b}\n", "a", NULL, "there is no context \"a\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kube_auth a = {0};
        struct errtext e;
        CU_ASSERT_EQUAL(load_config(cases[i].text, cases[i].context, &a, &e),
                        cases[i].says == NULL ? ERR_OK : ERR_CONFIG);
        if (cases[i].says != NULL) {
            if (strstr(e.text, cases[i].says) == NULL)
                printf("\n    case %zu says \"%s\"\n", i, e.text);
            CU_ASSERT_PTR_NOT_NULL(strstr(e.text, cases[i].says));
            CU_ASSERT_EQUAL(strncmp(e.text, "kubeconfig /", 12), 0);
        } else {
            CU_ASSERT_STRING_EQUAL(a.server, cases[i].server);
        }
        kube_auth_free(&a);
    }
    struct kube_auth a = {0};
    struct errtext e = {{0}};
    CU_ASSERT_EQUAL(kube_config_load("/nowhere/config", NULL, &a, &e), ERR_CONFIG);
    CU_ASSERT_STRING_EQUAL(e.text, "kubeconfig /nowhere/config: No such file or directory");
}

static void in_cluster(void)
{
    struct kube_auth a = {0};
    struct errtext e = {{0}};
    char expected[128];
    unsetenv("KUBERNETES_SERVICE_HOST");
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    CU_ASSERT_EQUAL(kube_auth_in_cluster(folder, &a, &e), ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "KUBERNETES_SERVICE_HOST"));

    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    unlink(in_folder("token", expected));
    e = (struct errtext){{0}};
    CU_ASSERT_EQUAL(kube_auth_in_cluster(folder, &a, &e), ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "/token (No such file or directory)"));

    put_file("token", "one\n");
    CU_ASSERT_EQUAL_FATAL(kube_auth_in_cluster(folder, &a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.server, "https://10.96.0.1:443");
    CU_ASSERT_STRING_EQUAL(a.token, "one");
    CU_ASSERT_STRING_EQUAL(a.ca.path, in_folder("ca.crt", expected));
    CU_ASSERT_FALSE(a.insecure);
    kube_auth_free(&a);

    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    CU_ASSERT_EQUAL_FATAL(kube_auth_in_cluster(folder, &a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.server, "https://[fd00::1]:443");
    kube_auth_free(&a);
    unsetenv("KUBERNETES_SERVICE_HOST");
}

static void token_rotates(void)
{
    struct kube_auth a = {0};
    struct errtext e = {{0}};
    char path[128], other[128];
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    put_file("token", "one");
    CU_ASSERT_EQUAL_FATAL(kube_auth_in_cluster(folder, &a, &e), ERR_OK);
    CU_ASSERT_EQUAL(kube_auth_refresh(&a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.token, "one");
    put_file("token.new", "two"); /* the kubelet swaps a link: another file under the same name */
    CU_ASSERT_EQUAL(rename(in_folder("token.new", other), in_folder("token", path)), 0);
    CU_ASSERT_EQUAL(kube_auth_refresh(&a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.token, "two");
    unlink(path);
    CU_ASSERT_EQUAL(kube_auth_refresh(&a, &e), ERR_CONFIG);
    CU_ASSERT_STRING_EQUAL(a.token, "two");
    put_file("token", "");
    CU_ASSERT_EQUAL(kube_auth_refresh(&a, &e), ERR_CONFIG);
    CU_ASSERT_STRING_EQUAL(a.token, "two");
    unlink(path);
    mkfifo(path, 0600); /* must not hang */
    CU_ASSERT_EQUAL(kube_auth_refresh(&a, &e), ERR_CONFIG);
    unlink(path);
    put_file("token", "three");
    CU_ASSERT_EQUAL(kube_auth_refresh(&a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.token, "three");
    kube_auth_free(&a);
    unsetenv("KUBERNETES_SERVICE_HOST");
}

static void sources_in_their_order(void)
{
    struct kube_auth a = {0};
    struct errtext e = {{0}};
    char endpoint[] = "https://h:6443", bare[] = "h:8080", cert[] = "/c", key[] = "/k", ca[] = "/ca",
         path[128];
    struct kubernetes_block k = {.endpoint = endpoint, .tls_cert = cert, .tls_key = key, .tls_ca = ca};
    CU_ASSERT_EQUAL_FATAL(kube_auth_load(&k, &a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.server, "https://h:6443");
    CU_ASSERT_STRING_EQUAL(a.cert.path, "/c");
    CU_ASSERT_STRING_EQUAL(a.key.path, "/k");
    CU_ASSERT_STRING_EQUAL(a.ca.path, "/ca");
    CU_ASSERT_PTR_NULL(a.token);
    kube_auth_free(&a);

    k = (struct kubernetes_block){.endpoint = bare};
    CU_ASSERT_EQUAL_FATAL(kube_auth_load(&k, &a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.server, "http://h:8080");
    kube_auth_free(&a);

    put_file("config", "current-context: a\n" TWO_CONTEXTS);
    k.kubeconfig = in_folder("config", path); /* as CoreDNS: it wins over endpoint */
    CU_ASSERT_EQUAL_FATAL(kube_auth_load(&k, &a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.server, "https://one");
    kube_auth_free(&a);

    k = (struct kubernetes_block){0};
    setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
    setenv(KUBE_ACCOUNT_VARIABLE, folder, 1);
    put_file("token", "one");
    CU_ASSERT_EQUAL_FATAL(kube_auth_load(&k, &a, &e), ERR_OK);
    CU_ASSERT_STRING_EQUAL(a.server, "https://10.96.0.1:443");
    kube_auth_free(&a);
    unsetenv("KUBERNETES_SERVICE_HOST");
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"a server is a URL, with a scheme as client-go finds one", servers},
        {"paths are relative to the folder of the kubeconfig", files_are_relative_to_the_kubeconfig},
        {"inline data are decoded and win over files", inline_data_win_over_files},
        {"users give credentials or are refused with their name", users},
        {"verification is left out only where the kubeconfig says so", insecure_is_asked_for_in_words},
        {"a context is found by name, or the error says what is missing", contexts},
        {"the service account gives server, CA and token", in_cluster},
        {"a token that rotates is read again, one that cannot be read stays", token_rotates},
        {"kubeconfig wins over endpoint, endpoint over the service account", sources_in_their_order},
    };
    if (mkdtemp(folder) == NULL)
        return 2;
    int ret = run_suite("kube_auth", tests, sizeof tests / sizeof tests[0]);
    static const char *const files[] = {"config", "tok", "token", "token.new"};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(in_folder(files[i], path));
    rmdir(folder);
    return ret;
}
