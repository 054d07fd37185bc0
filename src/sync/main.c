/* seamark-sync: Kubernetes objects in, zone files and journals out. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pool.h"
#include "conf/corefile_stdin.h"
#include "sync/sync_options.h"
#include "sync/sync_run.h"

/* Ends with the process that started this one, whatever ends that. */
static int follow_parent(long pid)
{
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0) {
        log_error("sync: cannot be told of the end of process %ld (%s)", pid, strerror(errno));
        return 1;
    }
    if (getppid() == (pid_t)pid)
        return 0;
    log_error("sync: process %ld has ended already, or is not the one that started this one", pid);
    return 1;
}

int main(int argc, char **argv)
{
    struct sync_options options;
    struct errtext e = {0};
    pool_settle_malloc();
    if (sync_options_parse(argc, argv, &options, &e) != ERR_OK) {
        fprintf(stderr, "seamark-sync: %s (-help says more)\n", e.text);
        return 2;
    }
    if (options.help) {
        sync_options_help();
        return 0;
    }
    if (options.version) {
        printf("seamark-sync %s\n", SEAMARK_VERSION);
        return 0;
    }
    bool from_file = options.from == NULL;
    if (corefile_take_stdin(&options.conf, &e) != ERR_OK || (from_file && options.conf == NULL)) {
        fprintf(stderr, "seamark-sync: %s\n", e.text[0] != '\0' ? e.text : "standard input is no Corefile");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    if (options.parent_pid != 0 && follow_parent(options.parent_pid) != 0)
        return 1;
    return sync_run(&options, argv);
}
