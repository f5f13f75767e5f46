/*
 * A disk that forgets what was not synced.
 *
 * Preloaded into a program, this library keeps beside the folder $POWERCUT_DIR a second one,
 * $POWERCUT_SHADOW, which holds only what would be left after a power cut:
 *
 *  - bytes of a file arrive there when the file is synced (fsync, fdatasync, or every write of a
 *    file opened with O_SYNC or O_DSYNC);
 *  - a new file appears there when it is synced for the first time;
 *  - renames and removals arrive there when their folder is synced.
 *
 * The test kills the program, puts the shadow in the place of the folder and starts again. Files
 * whose names end in "-shm" are shared memory, which a power cut takes whole: they have no shadow.
 * Writes through a shared mapping cannot be seen; a mapped file is copied whole when it is synced.
 *
 * $POWERCUT_LIE=1 makes every sync do nothing: a program that passes its test all the same is not
 * tested.
 */

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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct range {
    off_t from, to;
};

struct file {
    dev_t device;
    ino_t inode;
    char *shadow;         /* its path in the shadow, which lags behind a rename */
    struct range *ranges; /* written since the last sync */
    size_t count, room;
    off_t lowest;         /* the smallest size since the last sync */
    int whole;            /* copy everything at the next sync, whatever the ranges say */
    int each;             /* every write is a sync */
    struct file *next;
};

/* A rename or a removal which waits for its folder to be synced. */
struct change {
    char *folder, *from, *to; /* to is NULL for a removal */
    struct file *file;
    struct change *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static struct change *changes, **last_change = &changes;
static const char *folder, *shadow;
static size_t folder_length;
static int lie;

#define REAL(name) ((__typeof__(&name))real_##name())
#define LOOKUP(name)                                  \
    static void *real_##name(void) {                  \
        static void *found;                           \
        if (!found) found = dlsym(RTLD_NEXT, #name);  \
        return found;                                 \
    }
LOOKUP(open) LOOKUP(open64) LOOKUP(openat) LOOKUP(openat64) LOOKUP(creat) LOOKUP(creat64)
LOOKUP(write) LOOKUP(pwrite) LOOKUP(pwrite64) LOOKUP(writev) LOOKUP(pwritev) LOOKUP(pwritev64)
LOOKUP(ftruncate) LOOKUP(ftruncate64) LOOKUP(truncate) LOOKUP(truncate64)
LOOKUP(fallocate) LOOKUP(fallocate64)
LOOKUP(copy_file_range) LOOKUP(mmap) LOOKUP(mmap64)
LOOKUP(fsync) LOOKUP(fdatasync) LOOKUP(rename) LOOKUP(renameat) LOOKUP(unlink) LOOKUP(unlinkat)
LOOKUP(mkdir)

__attribute__((constructor)) static void begin(void) {
    const char *given = getenv("POWERCUT_DIR");
    shadow = getenv("POWERCUT_SHADOW");
    if (!given || !shadow) return;
    folder = realpath(given, NULL);
    if (!folder) abort();
    folder_length = strlen(folder);
    lie = getenv("POWERCUT_LIE") != NULL;
}

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

/* The path below the shadow of a path below the folder, else NULL. */
static char *shadow_of(const char *path) {
    size_t length = strlen(path);
    if (!folder || strncmp(path, folder, folder_length) != 0) return NULL;
    if (path[folder_length] != '/' && path[folder_length] != 0) return NULL;
    if (length >= 4 && strcmp(path + length - 4, "-shm") == 0) return NULL;
    char *result = must(malloc(strlen(shadow) + length - folder_length + 1));
    strcpy(result, shadow);
    strcat(result, path + folder_length);
    return result;
}

/* The path by which the kernel knows a descriptor. */
static char *path_of(int descriptor, char *room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, room, PATH_MAX - 1);
    if (length < 0) return NULL;
    room[length] = 0;
    return room;
}

/* A path with its folder made absolute; its last part may not exist. */
static char *absolute(int at, const char *path, char *room) {
    char base[PATH_MAX] = "", joined[2 * PATH_MAX], parent[PATH_MAX];
    if (path[0] == '/') {
        snprintf(joined, sizeof joined, "%s", path);
    } else {
        if (at == AT_FDCWD ? !getcwd(base, sizeof base) : !path_of(at, base)) return NULL;
        snprintf(joined, sizeof joined, "%s/%s", base, path);
    }
    char *slash = strrchr(joined, '/');
    if (slash == joined) return NULL;
    *slash = 0;
    if (!realpath(joined, parent)) return NULL;
    if (snprintf(room, PATH_MAX, "%s/%s", parent, slash + 1) >= PATH_MAX) return NULL;
    return room;
}

static struct file *find(const struct stat *status) {
    for (struct file *file = files; file; file = file->next)
        if (file->device == status->st_dev && file->inode == status->st_ino) return file;
    return NULL;
}

static struct file *file_of(int descriptor) {
    struct stat status;
    if (!folder || fstat(descriptor, &status) || !S_ISREG(status.st_mode)) return NULL;
    return find(&status);
}

static void forget(struct file *file) {
    file->inode = 0;
    file->count = 0;
}

static void opened(int descriptor, int flags) {
    char room[PATH_MAX];
    struct stat status;
    if (descriptor < 0 || !folder) return;
    int error = errno;
    if (!fstat(descriptor, &status) && S_ISREG(status.st_mode) && path_of(descriptor, room)) {
        char *copy = shadow_of(room);
        if (copy) {
            pthread_mutex_lock(&lock);
            struct file *file = find(&status);
            if (!file) {
                file = must(calloc(1, sizeof *file));
                *file = (struct file){.device = status.st_dev, .inode = status.st_ino,
                                      .shadow = copy, .lowest = status.st_size, .next = files};
                files = file;
            } else {
                free(copy);
            }
            if (flags & O_TRUNC) file->lowest = 0;
            if (flags & (O_SYNC | O_DSYNC)) file->each = 1;
            pthread_mutex_unlock(&lock);
        }
    }
    errno = error;
}

static void drop(struct change **link) {
    struct change *change = *link;
    *link = change->next;
    free(change->folder);
    free(change->from);
    free(change->to);
    free(change);
    last_change = &changes;
    while (*last_change) last_change = &(*last_change)->next;
}

/* A removal that waits was of an older file of this name: the name is taken again, and synced. */
static void stays(const char *path) {
    for (struct change **link = &changes; *link;) {
        if (!(*link)->to && strcmp((*link)->from, path) == 0) drop(link);
        else link = &(*link)->next;
    }
}

/* Copies what was written since the last sync; the lock is held. */
static void settle(int descriptor, struct file *file) {
    struct stat status;
    char buffer[1 << 16];
    if (lie || fstat(descriptor, &status)) return;
    char room[64];
    snprintf(room, sizeof room, "/proc/self/fd/%d", descriptor);
    int from = REAL(open)(room, O_RDONLY | O_CLOEXEC);
    int to = REAL(open)(file->shadow, O_WRONLY | O_CREAT | O_CLOEXEC, status.st_mode & 0777);
    if (from < 0 || to < 0) {
        dprintf(2, "powercut: cannot copy to %s: %s\n", file->shadow, strerror(errno));
        abort();
    }
    struct stat copied;
    if (fstat(to, &copied)) abort();
    struct range whole = {0, status.st_size};
    if (file->whole) file->lowest = 0;
    if (file->lowest < copied.st_size && REAL(ftruncate)(to, file->lowest)) abort();
    struct range *ranges = file->whole ? &whole : file->ranges;
    size_t count = file->whole ? 1 : file->count;
    for (size_t number = 0; number < count; number++) {
        off_t at = ranges[number].from;
        while (at < ranges[number].to) {
            size_t wanted = sizeof buffer;
            if (ranges[number].to - at < (off_t)wanted) wanted = ranges[number].to - at;
            ssize_t got = pread(from, buffer, wanted, at);
            if (got <= 0) break;
            if (REAL(pwrite)(to, buffer, got, at) != got) abort();
            at += got;
        }
    }
    if (REAL(ftruncate)(to, status.st_size)) abort();
    close(from);
    close(to);
    file->count = 0;
    file->lowest = status.st_size;
    stays(file->shadow);
}

static void note(struct file *file, off_t from, off_t to) {
    if (file->count && file->ranges[file->count - 1].to == from) {
        file->ranges[file->count - 1].to = to;
        return;
    }
    if (file->count == file->room) {
        file->room = file->room ? 2 * file->room : 64;
        file->ranges = must(realloc(file->ranges, file->room * sizeof *file->ranges));
    }
    file->ranges[file->count++] = (struct range){from, to};
}

/* Bytes were written; at < 0 means: up to where the descriptor stands now. */
static void wrote(int descriptor, ssize_t length, off_t at) {
    if (length <= 0 || !folder) return;
    int error = errno;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(descriptor);
    if (file) {
        if (at < 0) at = lseek(descriptor, 0, SEEK_CUR) - length;
        note(file, at, at + length);
        if (file->each) settle(descriptor, file);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
}

static void resized(int descriptor, off_t size) {
    int error = errno;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(descriptor);
    if (file && size < file->lowest) file->lowest = size;
    pthread_mutex_unlock(&lock);
    errno = error;
}

static void copy_whole(int descriptor) {
    int error = errno;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(descriptor);
    if (file) file->whole = 1;
    pthread_mutex_unlock(&lock);
    errno = error;
}

/* Carries out the renames and removals that waited for this folder; the lock is held. */
static void settle_folder(const char *path) {
    if (lie) return;
    for (struct change **link = &changes; *link;) {
        struct change *change = *link;
        if (strcmp(change->folder, path) != 0) {
            link = &change->next;
            continue;
        }
        if (change->to) {
            if (REAL(rename)(change->from, change->to) && errno != ENOENT) abort();
            if (change->file) {
                free(change->file->shadow);
                change->file->shadow = must(strdup(change->to));
            }
        } else if (REAL(unlink)(change->from) && errno != ENOENT) {
            abort();
        }
        drop(link);
    }
}

static void later(const char *path, char *from, char *to, struct file *file) {
    struct change *change = must(calloc(1, sizeof *change));
    change->folder = must(strdup(path));
    *strrchr(change->folder, '/') = 0;
    change->from = from;
    change->to = to;
    change->file = file;
    *last_change = change;
    last_change = &change->next;
}

static int synced(int descriptor) {
    struct stat status;
    char room[PATH_MAX];
    if (!folder || fstat(descriptor, &status)) return 0;
    pthread_mutex_lock(&lock);
    if (S_ISDIR(status.st_mode)) {
        if (path_of(descriptor, room)) settle_folder(room);
    } else {
        struct file *file = find(&status);
        if (file) settle(descriptor, file);
    }
    pthread_mutex_unlock(&lock);
    return 1;
}

/* --- what the program calls ------------------------------------------------------------------- */

#define MODE(flags)                                   \
    mode_t mode = 0;                                  \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {          \
        va_list rest;                                 \
        va_start(rest, flags);                        \
        mode = va_arg(rest, mode_t);                  \
        va_end(rest);                                 \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    int result = REAL(open)(path, flags, mode);
    opened(result, flags);
    return result;
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    int result = REAL(open64)(path, flags, mode);
    opened(result, flags);
    return result;
}

int openat(int at, const char *path, int flags, ...) {
    MODE(flags)
    int result = REAL(openat)(at, path, flags, mode);
    opened(result, flags);
    return result;
}

int openat64(int at, const char *path, int flags, ...) {
    MODE(flags)
    int result = REAL(openat64)(at, path, flags, mode);
    opened(result, flags);
    return result;
}

int creat(const char *path, mode_t mode) {
    int result = REAL(creat)(path, mode);
    opened(result, O_TRUNC);
    return result;
}

int creat64(const char *path, mode_t mode) {
    int result = REAL(creat64)(path, mode);
    opened(result, O_TRUNC);
    return result;
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
    ssize_t result = REAL(write)(descriptor, bytes, length);
    wrote(descriptor, result, -1);
    return result;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t at) {
    ssize_t result = REAL(pwrite)(descriptor, bytes, length, at);
    wrote(descriptor, result, at);
    return result;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t at) {
    ssize_t result = REAL(pwrite64)(descriptor, bytes, length, at);
    wrote(descriptor, result, at);
    return result;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    ssize_t result = REAL(writev)(descriptor, parts, count);
    wrote(descriptor, result, -1);
    return result;
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at) {
    ssize_t result = REAL(pwritev)(descriptor, parts, count, at);
    wrote(descriptor, result, at);
    return result;
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t at) {
    ssize_t result = REAL(pwritev64)(descriptor, parts, count, at);
    wrote(descriptor, result, at);
    return result;
}

int ftruncate(int descriptor, off_t size) {
    int result = REAL(ftruncate)(descriptor, size);
    if (!result) resized(descriptor, size);
    return result;
}

int ftruncate64(int descriptor, off64_t size) {
    int result = REAL(ftruncate64)(descriptor, size);
    if (!result) resized(descriptor, size);
    return result;
}

static void path_resized(const char *path, off_t size) {
    int descriptor = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    opened(descriptor, 0);
    resized(descriptor, size);
    close(descriptor);
}

int truncate(const char *path, off_t size) {
    int result = REAL(truncate)(path, size);
    if (!result) path_resized(path, size);
    return result;
}

int truncate64(const char *path, off64_t size) {
    int result = REAL(truncate64)(path, size);
    if (!result) path_resized(path, size);
    return result;
}

int fallocate(int descriptor, int mode, off_t at, off_t length) {
    int result = REAL(fallocate)(descriptor, mode, at, length);
    if (!result && mode) copy_whole(descriptor);
    return result;
}

int fallocate64(int descriptor, int mode, off64_t at, off64_t length) {
    int result = REAL(fallocate64)(descriptor, mode, at, length);
    if (!result && mode) copy_whole(descriptor);
    return result;
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags) {
    ssize_t result = REAL(copy_file_range)(from, from_at, to, to_at, length, flags);
    if (result > 0) copy_whole(to);
    return result;
}

void *mmap(void *at, size_t length, int protection, int flags, int descriptor, off_t offset) {
    if (folder && descriptor >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE)) copy_whole(descriptor);
    return REAL(mmap)(at, length, protection, flags, descriptor, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int descriptor, off64_t offset) {
    if (folder && descriptor >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE)) copy_whole(descriptor);
    return REAL(mmap64)(at, length, protection, flags, descriptor, offset);
}

/* The real disk is left alone: the shadow is the disk. */
int fsync(int descriptor) { return synced(descriptor) ? 0 : REAL(fsync)(descriptor); }

int fdatasync(int descriptor) { return synced(descriptor) ? 0 : REAL(fdatasync)(descriptor); }

static void look_at(int at, const char *path, char *room, struct stat *status) {
    room[0] = 0;
    if (!folder || !absolute(at, path, room) || lstat(room, status)) room[0] = 0;
}

static int renamed(int from_at, const char *from, int to_at, const char *to, const char *replaced,
                   const struct stat *old) {
    char from_room[PATH_MAX], to_room[PATH_MAX];
    struct stat status;
    if (!folder || !absolute(from_at, from, from_room) || !absolute(to_at, to, to_room)) return 0;
    char *from_shadow = shadow_of(from_room), *to_shadow = shadow_of(to_room);
    if (from_shadow && to_shadow) {
        pthread_mutex_lock(&lock);
        struct file *gone = replaced[0] ? find(old) : NULL;
        if (gone && old->st_nlink == 1) forget(gone);
        later(to_room, from_shadow, to_shadow, stat(to_room, &status) ? NULL : find(&status));
        pthread_mutex_unlock(&lock);
    } else {
        free(from_shadow);
        free(to_shadow);
    }
    return 0;
}

int rename(const char *from, const char *to) {
    char room[PATH_MAX];
    struct stat old;
    look_at(AT_FDCWD, to, room, &old);
    int result = REAL(rename)(from, to);
    return result ? result : renamed(AT_FDCWD, from, AT_FDCWD, to, room, &old);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    char room[PATH_MAX];
    struct stat old;
    look_at(to_at, to, room, &old);
    int result = REAL(renameat)(from_at, from, to_at, to);
    return result ? result : renamed(from_at, from, to_at, to, room, &old);
}

static void unlinked(const char *path, const struct stat *status) {
    char *gone = path[0] ? shadow_of(path) : NULL;
    if (!gone) return;
    int error = errno;
    pthread_mutex_lock(&lock);
    struct file *file = find(status);
    if (file && status->st_nlink == 1) forget(file);
    later(path, gone, NULL, NULL);
    pthread_mutex_unlock(&lock);
    errno = error;
}

int unlink(const char *path) {
    char room[PATH_MAX];
    struct stat status;
    look_at(AT_FDCWD, path, room, &status);
    int result = REAL(unlink)(path);
    if (!result) unlinked(room, &status);
    return result;
}

int unlinkat(int at, const char *path, int flags) {
    char room[PATH_MAX];
    struct stat status;
    look_at(at, path, room, &status);
    int result = REAL(unlinkat)(at, path, flags);
    if (!result && !(flags & AT_REMOVEDIR)) unlinked(room, &status);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    char room[PATH_MAX];
    int result = REAL(mkdir)(path, mode);
    if (!result && folder && absolute(AT_FDCWD, path, room)) {
        char *copy = shadow_of(room);
        if (copy) REAL(mkdir)(copy, mode);
        free(copy);
    }
    return result;
}
