/* For LD_PRELOAD: nginx sees the clock of the file LEASTWISE_CLOCK, microseconds in eight bytes,
   and servers that are no way off. The processor's time stays what it is. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/tcp.h>

static const _Atomic int64_t* scripted;

__attribute__((constructor)) static void begin(void) {
  const char* name = getenv("LEASTWISE_CLOCK");
  const int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* page = mmap(NULL, sizeof(*scripted), PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) scripted = page;
  close(file);
}

int clock_gettime(clockid_t clock, struct timespec* t) {
  if (scripted == NULL || (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) {
    return (int)syscall(SYS_clock_gettime, clock, t);
  }
  const int64_t us = *scripted;
  t->tv_sec = us / 1000000;
  t->tv_nsec = us % 1000000 * 1000;
  return 0;
}

int getsockopt(int socket, int level, int option, void* value, socklen_t* size) {
  const long result = syscall(SYS_getsockopt, socket, level, option, value, size);
  const size_t end = offsetof(struct tcp_info, tcpi_min_rtt) + sizeof(uint32_t);
  if (result == 0 && level == IPPROTO_TCP && option == TCP_INFO && *size >= end) {
    ((struct tcp_info*)value)->tcpi_min_rtt = 0;
  }
  return (int)result;
}
