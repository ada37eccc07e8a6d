/* The wall clock of a process under test: the machine's, moved by the nanoseconds in a file that is mapped when it is first asked.
   Only CLOCK_REALTIME is moved; timers go by other clocks. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t second = 1000000000;

static volatile const int64_t *offset(void) {
  static volatile const int64_t *mapped;
  if (!mapped) {
    int file = open(getenv("CLOCK_OFFSET_FILE"), O_RDONLY);
    void *memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (file < 0 || memory == MAP_FAILED) abort();
    close(file);
    mapped = memory;
  }
  return mapped;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  long failed = syscall(SYS_clock_gettime, clock, time);
  if (failed || clock != CLOCK_REALTIME) return (int)failed;
  int64_t now = (int64_t)time->tv_sec * second + time->tv_nsec + *offset();
  time->tv_sec = now / second;
  time->tv_nsec = now % second;
  return 0;
}
