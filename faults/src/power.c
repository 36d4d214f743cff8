/* What a power cut takes away, written down while the server runs (LD_PRELOAD).
 *
 * For every file under FAULTS_WATCHED the journal gets: what a write replaced, what a sync had to bring to the disk and that it
 * did, and every name that was made, changed or removed. Removed and replaced files stay in FAULTS_GRAVES under their number.
 * Lines of the journal:  W ino offset length [old bytes in hex]   L ino old-length   B ino number   S ino number   (files)
 *                        C ino path   U grave path   N grave from<TAB>to   D as S, for the folder of the inode */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long number;

static int is_watched(const char *path) {
    const char *watched = getenv("FAULTS_WATCHED");
    size_t length = watched ? strlen(watched) : 0;
    return length && !strncmp(path, watched, length) && (path[length] == '/' || !path[length]) && !strstr(path, "-shm");
}

static int is_watched_fd(int fd, struct stat *status) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_watched(path) && !fstat(fd, status);
}

/* One write of the whole line: the journal itself survives the kill. */
static void put(const char *line, size_t length) {
    static int journal = -1;
    if (journal < 0) journal = REAL(open)(getenv("FAULTS_JOURNAL"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (length > 0) {
        ssize_t written = REAL(write)(journal, line, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) abort();
        line += written;
        length -= written;
    }
}

static void note(const char *form, ...) {
    char line[2 * PATH_MAX + 128];
    va_list arguments;
    va_start(arguments, form);
    int length = vsnprintf(line, sizeof line, form, arguments);
    va_end(arguments);
    put(line, length);
}

/* What stands there, also where the file is open for writing only. */
static int read_old(int fd, void *old, size_t length, off_t offset) {
    if (!length) return 1;
    if (pread(fd, old, length, offset) == (ssize_t)length) return 1;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int reading = REAL(open)(link, O_RDONLY | O_CLOEXEC);
    int is_read = reading >= 0 && pread(reading, old, length, offset) == (ssize_t)length;
    if (reading >= 0) close(reading);
    return is_read;
}

static void note_overwrite(int fd, off_t offset, size_t length) {
    struct stat status;
    if (!is_watched_fd(fd, &status) || !S_ISREG(status.st_mode)) return;
    size_t kept = status.st_size > offset ? (size_t)(status.st_size - offset) : 0;
    if (kept > length) kept = length;
    unsigned char *old = malloc(kept ? kept : 1);
    char *line = malloc(2 * kept + 128);
    if (!old || !line || !read_old(fd, old, kept, offset)) abort();
    size_t used = snprintf(line, 128, "W %lu %lld %zu %lld ", (unsigned long)status.st_ino, (long long)offset, length, (long long)status.st_size);
    int is_zero = 1;
    for (size_t i = 0; i < kept; i++) is_zero &= !old[i];
    if (!is_zero)
        for (size_t i = 0; i < kept; i++) {
            line[used++] = "0123456789abcdef"[old[i] >> 4];
            line[used++] = "0123456789abcdef"[old[i] & 15];
        }
    line[used++] = '\n';
    pthread_mutex_lock(&lock);
    put(line, used);
    pthread_mutex_unlock(&lock);
    free(old);
    free(line);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    note_overwrite(fd, offset, length);
    return REAL(pwrite)(fd, bytes, length, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    note_overwrite(fd, offset, length);
    return REAL(pwrite)(fd, bytes, length, offset);
}
ssize_t write(int fd, const void *bytes, size_t length) {
    int saved = errno;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    errno = saved;
    if (offset >= 0) note_overwrite(fd, offset, length);
    return REAL(write)(fd, bytes, length);
}

static int cut(int fd, off_t length) {
    struct stat status;
    if (is_watched_fd(fd, &status) && S_ISREG(status.st_mode)) {
        if (status.st_size > length) note_overwrite(fd, length, status.st_size - length);
        pthread_mutex_lock(&lock);
        note("L %lu %lld\n", (unsigned long)status.st_ino, (long long)status.st_size);
        pthread_mutex_unlock(&lock);
    }
    return REAL(ftruncate)(fd, length);
}
int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off_t length) { return cut(fd, length); }

static int synced(int fd, int (*real)(int)) {
    struct stat status;
    if (!is_watched_fd(fd, &status)) return real(fd);
    pthread_mutex_lock(&lock);
    unsigned long own = ++number;
    note("B %lu %lu\n", (unsigned long)status.st_ino, own);
    pthread_mutex_unlock(&lock);
    int outcome = real(fd);
    if (!outcome) {
        pthread_mutex_lock(&lock);
        note("S %lu %lu\n", (unsigned long)status.st_ino, own);
        pthread_mutex_unlock(&lock);
    }
    return outcome;
}
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }
int fsync(int fd) { return synced(fd, REAL(fsync)); }

static int opened(const char *path, int flags, mode_t mode) {
    int is_new = 0;
    if ((flags & O_CREAT) && is_watched(path)) {
        is_new = access(path, F_OK) != 0;
        if (!is_new && (flags & O_TRUNC)) {
            int fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
            if (fd >= 0) {
                cut(fd, 0);
                close(fd);
            }
        }
    }
    int fd = REAL(open)(path, flags, mode);
    struct stat status;
    if (fd >= 0 && is_new && !fstat(fd, &status)) {
        pthread_mutex_lock(&lock);
        note("C %lu %s\n", (unsigned long)status.st_ino, path);
        pthread_mutex_unlock(&lock);
    }
    return fd;
}
static mode_t mode_of(int flags, va_list arguments) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0; }
int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return opened(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return opened(path, flags, mode);
}

/* A second name for what is about to lose its own; 0 when there is nothing. */
static unsigned long bury(const char *path) {
    char grave[PATH_MAX];
    unsigned long own = ++number;
    snprintf(grave, sizeof grave, "%s/%lu", getenv("FAULTS_GRAVES"), own);
    return link(path, grave) ? 0 : own;
}
int unlink(const char *path) {
    if (!is_watched(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    unsigned long grave = bury(path);
    int outcome = REAL(unlink)(path);
    if (!outcome) note("U %lu %s\n", grave, path);
    pthread_mutex_unlock(&lock);
    return outcome;
}
int rename(const char *from, const char *to) {
    if (!is_watched(to)) return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    unsigned long grave = bury(to);
    int outcome = REAL(rename)(from, to);
    if (!outcome) note("N %lu %s\t%s\n", grave, from, to);
    pthread_mutex_unlock(&lock);
    return outcome;
}
