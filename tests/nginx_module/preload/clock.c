/*
 * For tests: the clocks of the processes that it is loaded into (LD_PRELOAD), set by whoever
 * writes two 64-bit numbers into the file LEASTWISE_CLOCK_FILE: seconds that the calendar's clock
 * is off, and those that the monotonic one is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *offsets;

__attribute__((constructor)) static void
begin(void)
{
    const char *name = getenv("LEASTWISE_CLOCK_FILE");
    int fd = name != NULL ? open(name, O_RDWR) : -1;

    if (fd < 0) {
        return;
    }
    void *memory = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED) {
        offsets = memory;
    }
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = (int) syscall(SYS_clock_gettime, clock, out);

    if (rc == 0 && offsets != NULL) {
        out->tv_sec += offsets[clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? 0 : 1];
    }
    return rc;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec t;

    (void) zone;
    clock_gettime(CLOCK_REALTIME, &t);
    out->tv_sec = t.tv_sec;
    out->tv_usec = t.tv_nsec / 1000;
    return 0;
}

time_t
time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL) {
        *out = t.tv_sec;
    }
    return t.tv_sec;
}
