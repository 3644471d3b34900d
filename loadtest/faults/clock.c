/* A clock that can be moved while a process looks at it: preloaded, it adds the seconds in the file YUQING_CLOCK to
 * what the process is told of the time of day. Monotonic clocks are left alone, as they are when an operator or NTP
 * sets a machine's clock. Waits until a time of day are the kernel's, which knows nothing of this: they are handed over
 * less what was added. (glibc notes a condition's clock in bit 1 of __wrefs: 0 is the time of day.)
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t still = 0;
static const volatile int64_t *offset_s = &still;
static int (*told)(clockid_t, struct timespec *);
static int (*wait_posix)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*wait_c11)(cnd_t *, mtx_t *, const struct timespec *);

__attribute__((constructor)) static void open_file(void) {
    const char *path = getenv("YUQING_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED) offset_s = mapped;
        close(file);
    }
    told = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    void *wait = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2"); /* x86-64 has an older one, too */
    if (!wait) wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    wait_posix = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))wait;
    wait_c11 = (int (*)(cnd_t *, mtx_t *, const struct timespec *))dlsym(RTLD_NEXT, "cnd_timedwait");
}

int clock_gettime(clockid_t id, struct timespec *at) {
    /* other constructors may ask before ours ran */
    int failed = told ? told(id, at) : (int)syscall(SYS_clock_gettime, id, at);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += *offset_s;
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, at) ? base : 0;
}

int pthread_cond_timedwait(pthread_cond_t *restrict on, pthread_mutex_t *restrict held, const struct timespec *restrict at) {
    struct timespec until = *at;
    if (!(on->__data.__wrefs & 2u)) until.tv_sec -= *offset_s;
    return wait_posix(on, held, &until);
}

int cnd_timedwait(cnd_t *restrict on, mtx_t *restrict held, const struct timespec *restrict at) {
    struct timespec until = *at;
    until.tv_sec -= *offset_s;
    return wait_c11(on, held, &until);
}
