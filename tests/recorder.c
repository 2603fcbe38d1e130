/* Preloaded: writes down, in one order, what a process does to the files whose paths begin with $RECORD_FILES.
   A record in $RECORD_TO: "OP PATH OFFSET LENGTH\n", then LENGTH bytes. OP: w(rite), t(runcate), s(ync), u(nlink),
   and f for a sync that fails, as all do while there is a file $FAIL_SYNCS. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

static ssize_t (*plain_write)(int, const void *, size_t);

static int watched(const char *path) {
    const char *prefix = getenv("RECORD_FILES");
    return prefix && !strncmp(path, prefix, strlen(prefix));
}

static int path_of(int fd, char *path, size_t size) {
    char link[64];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, size - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return watched(path);
}

static void put(const char *data, size_t size) {
    while (size) {
        ssize_t done = plain_write(out, data, size);
        if (done <= 0) abort();
        data += done;
        size -= done;
    }
}

static void record(char op, const char *path, long long offset, const void *data, size_t size) {
    char head[4200];
    if (out < 0) {
        plain_write = REAL(write);
        out = open(getenv("RECORD_TO"), O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (out < 0) abort();
    }
    put(head, snprintf(head, sizeof head, "%c %s %lld %zu\n", op, path, offset, size));
    put(data, size);
}

/* The call and its record are one step: what another thread does comes before both or after both. */
#define WATCHED(fd, call, note)                     \
    do {                                            \
        char path[4096];                            \
        if (!path_of(fd, path, sizeof path)) return call; \
        pthread_mutex_lock(&lock);                  \
        __typeof__(call) result = call;             \
        if (result >= 0) note;                      \
        pthread_mutex_unlock(&lock);                \
        return result;                              \
    } while (0)

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    WATCHED(fd, REAL(pwrite64)(fd, data, size, offset), record('w', path, offset, data, result));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    WATCHED(fd, REAL(pwrite)(fd, data, size, offset), record('w', path, offset, data, result));
}

ssize_t write(int fd, const void *data, size_t size) {
    WATCHED(fd, REAL(write)(fd, data, size), record('w', path, lseek(fd, 0, SEEK_CUR) - result, data, result));
}

int ftruncate64(int fd, off64_t length) {
    WATCHED(fd, REAL(ftruncate64)(fd, length), record('t', path, length, "", 0));
}

int ftruncate(int fd, off_t length) {
    WATCHED(fd, REAL(ftruncate)(fd, length), record('t', path, length, "", 0));
}

static int fails(int fd) {
    char path[4096];
    const char *file = getenv("FAIL_SYNCS");
    if (!file || access(file, F_OK) || !path_of(fd, path, sizeof path)) return 0;
    pthread_mutex_lock(&lock);
    record('f', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    errno = EIO;
    return 1;
}

int fsync(int fd) {
    if (fails(fd)) return -1;
    WATCHED(fd, REAL(fsync)(fd), record('s', path, 0, "", 0));
}

int fdatasync(int fd) {
    if (fails(fd)) return -1;
    WATCHED(fd, REAL(fdatasync)(fd), record('s', path, 0, "", 0));
}

int unlink(const char *path) {
    int result;
    if (!watched(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    result = REAL(unlink)(path);
    if (result >= 0) record('u', path, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return result;
}
