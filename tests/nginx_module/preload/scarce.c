/*
 * For tests: memory that runs out in the processes that it is loaded into (LD_PRELOAD). The file
 * LEASTWISE_SCARCE_FILE holds two 64-bit numbers: whoever writes N into the first lets the N-th
 * allocation from then on fail; the second counts those that failed. What nginx and Leastwise ask for
 * counts, in all these processes. With LEASTWISE_SCARCE_AT=N in the environment it is the N-th from when the first
 * library of Leastwise is opened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static int64_t own[2];
static int64_t at_opening;
static _Atomic int64_t *counters = (_Atomic int64_t *) own;

__attribute__((constructor)) static void
begin(void)
{
    const char *name = getenv("LEASTWISE_SCARCE_FILE");
    const char *at = getenv("LEASTWISE_SCARCE_AT");
    int fd = name != NULL ? open(name, O_RDWR) : -1;

    if (fd >= 0) {
        void *memory = mmap(NULL, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (memory != MAP_FAILED) {
            counters = memory;
        }
    }
    if (at != NULL) {
        at_opening = atoll(at);
    }
}

void *
dlopen(const char *path, int flags)
{
    void *(*next)(const char *, int) = (void *(*)(const char *, int)) dlsym(RTLD_NEXT, "dlopen");

    if (at_opening != 0 && path != NULL && strstr(path, "leastwise") != NULL) {
        counters[0] = at_opening;
        at_opening = 0;
    }
    return next(path, flags);
}

/* Asked for by nginx or by Leastwise: libraries of the system may not survive it. */
static int
is_ours(const void *caller)
{
    Dl_info  info;

    if (dladdr(caller, &info) == 0 || info.dli_fname == NULL) {
        return 0;
    }
    const char *name = strrchr(info.dli_fname, '/');
    name = name != NULL ? name + 1 : info.dli_fname;
    return strncmp(name, "nginx", 5) == 0 || strstr(name, "leastwise") != NULL;
}

static int
fails(const void *caller)
{
    if (counters[0] <= 0 || !is_ours(caller) || atomic_fetch_sub(&counters[0], 1) != 1) {
        return 0;
    }
    atomic_fetch_add(&counters[1], 1);
    errno = ENOMEM;
    return 1;
}

void *
malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

int
posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);

    if (memory == NULL) {
        return ENOMEM;
    }
    *out = memory;
    return 0;
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

void *
memalign(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}
